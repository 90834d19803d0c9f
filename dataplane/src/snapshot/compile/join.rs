//! The joins: server x endpoints x catalogue x policy x secret, and route x servers x policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use portolan_config::{Kind, Name, Version, proto};

use super::{Compiler, Joined, Part};
use crate::policy::{Attached, Authentication, KeySource, PolicySet, published_at};
use crate::snapshot::catalogue::Catalogue;
use crate::snapshot::parts::ServerPart;
use crate::snapshot::route::{Access, Route, RouteServer};
use crate::snapshot::schemas::Schemas;
use crate::snapshot::server::{Facts, MissingSecret, Server};
use crate::snapshot::sessions::LegacySessions;
use crate::snapshot::tools::{Entry, ToolSet};
use crate::snapshot::visibility::VisibilityCache;
use crate::upstream::{Endpoint, Upstream};

/// Which policies hold on a target, and which of their sections.
pub(super) type Attachments = BTreeMap<Name, Vec<(Name, Arc<proto::Policy>, Vec<proto::Section>)>>;

impl Compiler {
    /// The server of this name as it is now; `None`: it is gone.
    pub(super) fn server_joined(&self, name: &Name) -> Option<Joined<Server>> {
        let Some(Part::Server(part)) = self.part(name.as_str()) else { return None };
        Some(self.join_server(name.clone(), part, self.servers.get(name)))
    }

    fn join_server(&self, name: Name, part: &Arc<ServerPart>, previous: Option<&Joined<Server>>) -> Joined<Server> {
        let attachments = &self.attachments;
        let endpoints = self.endpoints(&name);
        let catalogue_name = Name::new(Kind::Catalogue, name.namespace(), name.name());
        let inputs = self.server_inputs(&name, part, &catalogue_name, attachments);
        if let Some(previous) = previous.filter(|previous| previous.inputs == inputs) {
            // Endpoints come and go by the minute: they change nothing but the pool's own list.
            previous.value.upstream.set_endpoints(&endpoints);
            return Joined { inputs, value: Arc::clone(&previous.value) };
        }
        let (upstream, legacy) = self.connect(part, previous);
        upstream.set_endpoints(&endpoints);
        upstream.set_max_concurrent(part.proto.health.map_or(0, |health| health.max_concurrent));
        let catalogue = match self.part(catalogue_name.as_str()) {
            Some(Part::Catalogue(catalogue)) => Some(catalogue),
            _ => None,
        };
        let policy = self.policy_set(&name, attachments);
        let server = Server {
            label: format!("{}/{}", name.namespace(), name.name()).into(),
            credential: self.credential(part),
            facts: catalogue
                .and_then(|catalogue| catalogue.facts.as_ref())
                .and_then(|facts| Facts::parse(facts, &part.revisions)),
            catalogue: catalogue.map(|catalogue| self.definitions(catalogue)).unwrap_or_default(),
            stale_since_ms: catalogue.map(|catalogue| catalogue.stale_since_ms).filter(|since| *since != 0),
            closed: policy.is_err() || self.is_closed(&name),
            policy: policy.unwrap_or_default(),
            part: Arc::clone(part),
            upstream,
            legacy,
            schemas: Schemas::default(),
            name,
        };
        Joined { inputs, value: Arc::new(server) }
    }

    fn server_inputs(
        &self,
        name: &Name,
        part: &ServerPart,
        catalogue: &Name,
        attachments: &Attachments,
    ) -> Vec<Option<Version>> {
        let mut inputs = vec![self.version(name.as_str()), self.version(catalogue.as_str())];
        if let Some(Part::Catalogue(catalogue)) = self.part(catalogue.as_str()) {
            inputs.extend(catalogue.chunks.iter().map(|chunk| self.version(chunk)));
        }
        inputs.extend(part.credential.as_ref().map(|credential| self.version(&credential.secret)));
        inputs.extend(self.policy_inputs(name, attachments));
        inputs
    }

    /// Versions of everything that a target's policies are made of. A target that is closed has one input more.
    fn policy_inputs(&self, target: &Name, attachments: &Attachments) -> Vec<Option<Version>> {
        let mut inputs = Vec::new();
        for (name, policy, _) in attachments.get(target).into_iter().flatten() {
            inputs.push(self.version(name.as_str()));
            let jwt = policy.authentication.iter().flat_map(|authentication| &authentication.jwt);
            inputs.extend(jwt.filter_map(|jwt| match &jwt.jwks {
                Some(proto::jwt::Jwks::Secret(secret)) => Some(self.version(&secret.secret)),
                Some(proto::jwt::Jwks::Published(keys)) => {
                    Some(self.key_sets.get(&published_at(keys)).map(|set| set.version))
                }
                _ => None,
            }));
        }
        if self.is_closed(target) {
            inputs.push(None);
        }
        inputs
    }

    fn endpoints(&self, server: &Name) -> Vec<Endpoint> {
        let name = Name::new(Kind::Endpoints, server.namespace(), server.name());
        match self.part(name.as_str()) {
            Some(Part::Endpoints(endpoints)) => endpoints.endpoints.iter().filter_map(Endpoint::of).collect(),
            _ => Vec::new(),
        }
    }

    /// The connections of before, where nothing about connecting has changed.
    fn connect(&self, part: &ServerPart, previous: Option<&Joined<Server>>) -> (Arc<Upstream>, Arc<LegacySessions>) {
        match previous {
            Some(previous) if previous.value.part.upstream == part.upstream => {
                (Arc::clone(&previous.value.upstream), Arc::clone(&previous.value.legacy))
            }
            _ => {
                let dialer = Arc::clone(&self.settings.dialer);
                (Arc::new(Upstream::new(&part.upstream, self.settings.workers, dialer)), Arc::default())
            }
        }
    }

    fn definitions(&self, catalogue: &proto::Catalogue) -> Catalogue {
        let chunks = catalogue.chunks.iter().filter_map(|chunk| match self.part(chunk) {
            Some(Part::Chunk(tools)) => Some(Arc::clone(tools)),
            _ => None,
        });
        Catalogue::new(chunks.collect())
    }

    fn credential(&self, part: &ServerPart) -> Result<Option<(HeaderName, HeaderValue)>, MissingSecret> {
        let Some(credential) = &part.credential else { return Ok(None) };
        let secret = self.secret(&credential.secret, &credential.key).ok_or(MissingSecret)?;
        let value = credential.value(&secret).ok_or(MissingSecret)?;
        Ok(Some((credential.header.clone(), value)))
    }

    fn secret(&self, name: &str, key: &str) -> Option<Bytes> {
        match self.part(name)? {
            Part::Secret(secret) => secret.data.get(key).cloned(),
            _ => None,
        }
    }

    fn policy_set(&self, target: &Name, attachments: &Attachments) -> Result<PolicySet, String> {
        let attached = attachments.get(target).into_iter().flatten();
        let attached: Vec<Attached<'_>> =
            attached.map(|(name, policy, sections)| Attached { name, policy, sections }).collect();
        PolicySet::compile(target, &attached)
    }

    /// The route of this name as it is now, after its servers; `None`: it is gone.
    pub(super) fn route_joined(&self, name: &Name) -> Option<Joined<Route>> {
        let Some(Part::Route(part)) = self.part(name.as_str()) else { return None };
        let inputs = self.route_inputs(name, part, &self.attachments);
        let before = self.routes.get(name).filter(|joined| joined.inputs == inputs && self.same_servers(joined));
        let value = match before {
            Some(before) => Arc::clone(&before.value),
            None => Arc::new(self.join_route(name, part, &self.attachments)),
        };
        Some(Joined { inputs, value })
    }

    fn route_inputs(&self, name: &Name, part: &proto::Route, attachments: &Attachments) -> Vec<Option<Version>> {
        let mut inputs = vec![self.version(name.as_str())];
        inputs.extend(part.servers.iter().map(|entry| self.version(&entry.server)));
        inputs.extend(self.policy_inputs(name, attachments));
        inputs
    }

    /// Whether every server of the route is still the very object that it was joined with.
    fn same_servers(&self, route: &Joined<Route>) -> bool {
        route.value.servers.iter().all(|entry| match &entry.server {
            Some(server) => self.servers.get(&server.name).is_some_and(|joined| Arc::ptr_eq(&joined.value, server)),
            None => true,
        })
    }

    fn join_route(&self, name: &Name, part: &proto::Route, attachments: &Attachments) -> Route {
        let servers: Vec<RouteServer> = part
            .servers
            .iter()
            .map(|entry| RouteServer {
                entry: entry.name.as_str().into(),
                server: self.servers.get(entry.server.as_str()).map(|joined| Arc::clone(&joined.value)),
            })
            .collect();
        let declared = part.servers.iter().zip(&servers).enumerate();
        let entries: Vec<Entry<'_>> = declared
            .filter_map(|(index, (proto, entry))| Some(Entry { proto, server: entry.server.as_deref()?, index }))
            .collect();
        let aggregation = part.aggregation.unwrap_or_default();
        let label: Arc<str> = format!("{}/{}", name.namespace(), name.name()).into();
        let series = self.settings.metrics.route(&label);
        let tools = ToolSet::gather(&entries, aggregation.conflict() == proto::Conflict::Reject, &series);
        let policy = self.policy_set(name, attachments);
        let access = self.access(name, part, attachments);
        Route {
            label,
            series,
            tenant: name.namespace().into(),
            generation: part.generation,
            path: part.path.as_str().into(),
            hosts: hosts(part),
            created: part.created,
            external_url: Some(part.external_url.as_str()).filter(|url| !url.is_empty()).map(Into::into),
            closed: policy.is_err() || access.is_err() || self.is_closed(name),
            access: access.unwrap_or(Access::Undeclared),
            policy: policy.unwrap_or_default(),
            servers,
            visibility: VisibilityCache::new(tools.all().len()),
            tools,
            stale_for_ms: i64::from(aggregation.stale_for_ms),
            all_or_nothing: aggregation.on_server_failure() == proto::OnServerFailure::Fail,
            name: name.clone(),
        }
    }

    fn access(&self, name: &Name, route: &proto::Route, attachments: &Attachments) -> Result<Access, String> {
        let mut attached = attachments.get(name).into_iter().flatten();
        let section = attached.find_map(|(_, policy, sections)| {
            sections.contains(&proto::Section::Authentication).then_some(policy.authentication.as_ref()?).into()
        });
        let Some(authentication) = section.flatten() else {
            return Ok(if self.settings.open_without_authentication { Access::Open } else { Access::Undeclared });
        };
        let audience = Some(route.external_url.as_str()).filter(|url| !url.is_empty());
        let audience = audience.map(|url| format!("{}{}", url.trim_end_matches('/'), route.path));
        let secret = |name: &str, key: &str| self.secret(name, key);
        let published = |url: &str| self.key_sets.get(url).map(|set| set.document.clone());
        let source = KeySource { secret: &secret, published: &published };
        Authentication::compile(authentication, source, audience).map(|compiled| Access::Policy(Box::new(compiled)))
    }
}

/// The hosts that a route names, in lower case and each once; the empty one where it takes any.
fn hosts(route: &proto::Route) -> Box<[Arc<str>]> {
    let mut hosts: Vec<Arc<str>> = route.hostnames.iter().map(|host| host.to_ascii_lowercase().into()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.is_empty() {
        hosts.push(Arc::from(""));
    }
    hosts.into()
}
