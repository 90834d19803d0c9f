//! Which objects' statuses are due, and what they say: gathers the facts that `status` decides on.

use std::collections::BTreeSet;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
use portolan_config::{
    Body, Kind, Name,
    proto::{Route, TrustedAnnotations},
};
use portolan_crds::{ConditionType, Finding, McpRoute, conditions};
use serde::Serialize;
use serde_json::Value;

use super::{Core, Reached, gateways::Gateway};
use crate::{
    index::{Dirty, edges, references::Node},
    object::{Key, ObjectKey, ObjectKind, Stored},
    status::{
        self, Moment, ObjectStatus, RouteFacts, ServerFacts, ServerView, Update,
        findings::{self, Standing},
    },
    translate::{
        self, Problem,
        exposure::{Exposure, Seen, expose},
    },
};

impl Core {
    // === Progress ===

    /// Fixes what gateways must acknowledge for the edits of one publication, and counts what they have already.
    pub(super) fn note_published(&mut self, dirty: &Dirty, now: i64) {
        for key in &dirty.edited {
            let needed = self.resources(key).iter().filter_map(|name| self.log.changed_at(name)).max().unwrap_or(0);
            if let Some(progress) = self.progress.get_mut(key) {
                progress.published(needed);
            }
        }
        self.advance(now);
    }

    /// Counts again for every object whose edit is not everywhere yet.
    pub(super) fn advance(&mut self, now: i64) {
        let total = self.ought();
        let mut open = std::mem::take(&mut self.open);
        open.retain(|key| self.count(key, total, now));
        self.open = open;
    }

    /// Counts again for one object. Whether some gateway's word is still awaited.
    fn count(&mut self, key: &ObjectKey, total: usize, now: i64) -> bool {
        let Some(needed) = self.progress.get(key).map(super::Progress::needed) else { return false };
        let Some(needed) = needed else { return true };
        let names = self.resources(key);
        let counted =
            Reached::count(self.gateways.iter(), total, needed, |gateway| self.rejection(gateway, key, &names, needed));
        let Some(progress) = self.progress.get_mut(key) else { return false };
        if progress.reached != counted {
            progress.advance(counted, now);
            if !progress.is_open() {
                tracing::debug!(object = %key, "in force everywhere");
            }
            self.due.insert(key.clone());
            self.wake.status = true;
        }
        progress.is_open()
    }

    /// How many pods ought to have an edit: those that are connected, and those that serve although they are cut off from us.
    fn ought(&self) -> usize {
        let connected: BTreeSet<&str> = self.gateways.iter().map(|gateway| gateway.name.as_str()).collect();
        connected.union(&translate::ready_pods(&self.world)).count()
    }

    /// A gateway refused something, or takes it now: what was everywhere may not be any more.
    pub(super) fn reconsider<'a>(&mut self, names: impl Iterator<Item = &'a Name>) {
        for name in names {
            for key in self.concerned(name) {
                if let Some(progress) = self.progress.get_mut(&key) {
                    progress.reopen();
                    self.open.insert(key);
                }
            }
        }
    }

    /// The objects whose matter a resource is: the one that it is made of, or whoever names it.
    fn concerned(&self, name: &Name) -> Vec<ObjectKey> {
        match name.kind() {
            Kind::Catalogue | Kind::Chunk => owner(&name.sibling(Kind::Server)).into_iter().collect(),
            Kind::Secret => {
                let secret = ObjectKey::new(ObjectKind::Secret, Key::new(name.namespace(), name.name()));
                let of = |kind| self.world.referrers(kind, &secret).map(move |key| ObjectKey::new(kind, key.clone()));
                ObjectKind::ALL.into_iter().filter(|kind| kind.has_status()).flat_map(of).collect()
            }
            _ => owner(name).into_iter().collect(),
        }
    }

    /// Why a gateway does not have in force what an object is in force by. A version that is not the newest any more was refused too: of the same
    /// edit, the newest is one that the gateway has not judged yet; of an edit before, it says nothing.
    fn rejection(&self, gateway: &Gateway, key: &ObjectKey, names: &[Name], needed: u64) -> Option<String> {
        let own = translate::name(key);
        let listed =
            |name: &Name| matches!(name.kind(), Kind::Catalogue | Kind::Chunk) && name.sibling(Kind::Server) == own;
        gateway.rejected.iter().find_map(|(name, (version, reason))| {
            let current = self.log.get(name).is_some_and(|(current, _)| current == *version);
            let counts = current || gateway.acked >= needed;
            (counts && (names.contains(name) || listed(name))).then(|| reason.clone())
        })
    }

    /// The resources that an object is in force by: its own, and the Secrets that it names.
    fn resources(&self, key: &ObjectKey) -> Vec<Name> {
        let own = translate::name(key);
        let secrets = self.world.references().of(key).filter_map(|node| match node {
            Node::Object(object) if object.kind == ObjectKind::Secret => Some(translate::name(object)),
            _ => None,
        });
        let mut names: Vec<Name> = secrets.collect();
        if key.kind == ObjectKind::McpServer {
            names.push(own.sibling(Kind::Endpoints));
        }
        names.push(own);
        names
    }

    // === Statuses ===

    /// An object's status was not written: it is due again.
    pub fn requeue(&mut self, key: ObjectKey) {
        if self.world.contains(&key) {
            self.due.insert(key);
        }
    }

    /// How many objects of ours there are.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.world.servers.len() + self.world.routes.len() + self.world.policies.len()
    }

    /// Whether the object exists.
    #[must_use]
    pub fn knows(&self, key: &ObjectKey) -> bool {
        self.world.contains(key)
    }

    /// The next status that differs from what the API server has.
    pub fn next_update(&mut self, now: i64) -> Option<Update> {
        if !self.published {
            return None;
        }
        while let Some(key) = self.due.pop_first() {
            // What is to be translated is due again afterwards; a status in between would tell of the old edit.
            let reported = key.kind == ObjectKind::McpServer && self.dirty.catalogues.contains(&key.key);
            if reported || self.dirty.objects.contains(&key) {
                continue;
            }
            if let Some(update) = self.update(&key, now) {
                return Some(update);
            }
        }
        None
    }

    fn update(&self, key: &ObjectKey, now: i64) -> Option<Update> {
        let now_at = Timestamp::from_millisecond(now).ok()?;
        let moment = |generation| Moment { generation, now: now_at };
        match key.kind {
            ObjectKind::McpServer => {
                let stored = self.world.servers.get(&key.key)?;
                let old = stored.status();
                let findings = self.server_findings(key, &old.conditions, stored.meta().generation);
                let new =
                    status::server(&findings, self.server_facts(&key.key), &old, moment(stored.meta().generation));
                written(key, stored, &old, &new, status::transitions(&old.conditions, &new.conditions).collect())
            }
            ObjectKind::McpRoute => {
                let stored = self.world.routes.get(&key.key)?;
                if stored.valid().is_some_and(|route| !self.world.settings.serves(route)) {
                    return None;
                }
                let old = stored.status();
                let before = old.parents.first().map(|parent| parent.conditions.clone()).unwrap_or_default();
                let findings = self.route_findings(key, &before, stored.meta().generation);
                let new = status::route(&findings, &self.route_facts(key, now), &old, moment(stored.meta().generation));
                let after = new.parents.first().map(|parent| parent.conditions.clone()).unwrap_or_default();
                written(key, stored, &old, &new, status::transitions(&before, &after).collect())
            }
            ObjectKind::McpPolicy => {
                let stored = self.world.policies.get(&key.key)?;
                let old = stored.status();
                let targets = self.policy_findings(key, |target| {
                    status::ancestor(&old, &status::reference(target))
                        .map(|entry| entry.conditions.as_slice())
                        .unwrap_or_default()
                });
                let new = status::policy(&targets, &old, moment(stored.meta().generation));
                let transitions = new.ancestors.iter().flat_map(|entry| {
                    let before = status::ancestor(&old, &entry.ancestor_ref).map_or(&[][..], |entry| &entry.conditions);
                    status::transitions(before, &entry.conditions).collect::<Vec<_>>()
                });
                written(key, stored, &old, &new, transitions.collect())
            }
            _ => None,
        }
    }

    /// What status says, or would say, of every object of ours.
    #[must_use]
    pub fn conditions(&self) -> Vec<ObjectStatus> {
        let mut all = Vec::new();
        for key in self.world.keys(ObjectKind::McpServer) {
            let findings = self.server_findings(&key, &[], None);
            all.push(self.told(key, None, findings, None));
        }
        for key in self.world.keys(ObjectKind::McpRoute) {
            let findings = self.route_findings(&key, &[], None);
            let endpoint =
                self.world.routes.get(&key.key).and_then(Stored::valid).and_then(|route| self.endpoint(route));
            all.push(self.told(key, None, findings, endpoint));
        }
        for key in self.world.keys(ObjectKind::McpPolicy) {
            for (target, findings) in self.policy_findings(&key, |_| &[]) {
                all.push(self.told(key.clone(), Some(target), findings, None));
            }
        }
        all
    }

    fn told(
        &self,
        object: ObjectKey,
        target: Option<ObjectKey>,
        findings: Vec<Finding>,
        endpoint: Option<String>,
    ) -> ObjectStatus {
        let problems = self.problems_of(&object).iter();
        let concerned =
            problems.filter(|problem| problem.target.is_none() || problem.target == target).cloned().collect();
        ObjectStatus { object, target, findings, problems: concerned, endpoint }
    }

    fn problems_of(&self, key: &ObjectKey) -> &[Problem] {
        self.problems.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    // === Findings ===

    fn server_findings(&self, key: &ObjectKey, old: &[Condition], generation: Option<i64>) -> Vec<Finding> {
        let mut found = findings::of_problems(self.problems_of(key), None);
        let known = status::verified(self.server_facts(&key.key));
        let first = || {
            let told = conditions::get(old, ConditionType::Verified).is_some();
            (!told).then(|| {
                Finding::unknown(
                    ConditionType::Verified,
                    portolan_crds::Reason::Pending,
                    "no gateway has examined it yet",
                )
            })
        };
        found.extend(known.or_else(first));
        self.finish(key, &mut found, old, generation, self.log.get(&translate::name(key)).is_some());
        found.extend(findings::affected(self.world.referrers(ObjectKind::McpPolicy, key)));
        found
    }

    fn route_findings(&self, key: &ObjectKey, old: &[Condition], generation: Option<i64>) -> Vec<Finding> {
        let mut found = findings::of_problems(self.problems_of(key), None);
        if let Some(collision) = status::collisions(&self.exposure(key)) {
            match found.iter_mut().find(|finding| finding.condition == ConditionType::PartiallyInvalid) {
                Some(other) => other.message = format!("{}. {}", other.message, collision.message),
                None => found.push(collision),
            }
        }
        self.finish(key, &mut found, old, generation, self.log.get(&translate::name(key)).is_some());
        found.extend(findings::affected(self.world.referrers(ObjectKind::McpPolicy, key)));
        found
    }

    fn policy_findings<'a>(
        &self,
        key: &ObjectKey,
        old: impl Fn(&ObjectKey) -> &'a [Condition],
    ) -> Vec<(ObjectKey, Vec<Finding>)> {
        let Some(stored) = self.world.policies.get(&key.key) else { return Vec::new() };
        let named = self.world.references().of(key).filter_map(|node| match node {
            Node::Object(object) if object.kind.is_target() => Some(object.clone()),
            _ => None,
        });
        // One that names nothing legible is told on itself: there is no other place for it.
        let itself = self.world.may_mean_anything(&key.key).then(|| key.clone());
        let generation = stored.meta().generation;
        named
            .chain(itself)
            .map(|target| {
                let mut found = findings::of_problems(self.problems_of(key), Some(&target));
                self.finish(key, &mut found, old(&target), generation, self.is_on(key, &target));
                (target, found)
            })
            .collect()
    }

    /// Adds `Programmed`, which goes by `Accepted`: the first of the findings.
    fn finish(
        &self,
        key: &ObjectKey,
        found: &mut Vec<Finding>,
        old: &[Condition],
        generation: Option<i64>,
        in_force: bool,
    ) {
        let nowhere = Reached::default();
        let standing = Standing {
            reached: self.progress.get(key).map_or(&nowhere, |progress| &progress.reached),
            in_force,
            brief_absence: self.lonely_since.is_some(),
            was_programmed: generation.is_some() && status::was_programmed(old, generation),
        };
        let programmed = found.first().and_then(|accepted| findings::programmed(accepted, standing));
        // Counts that are still moving are told with the state that they lead to.
        let settling = self.progress.get(key).is_some_and(super::Progress::is_settling);
        found.extend(programmed.filter(|finding| !settling || !status::tells_already(old, finding, generation)));
    }

    // === Facts ===

    /// Whether the version of a policy that is in force is on this target.
    fn is_on(&self, policy: &ObjectKey, target: &ObjectKey) -> bool {
        let body = self.log.get(&translate::name(policy)).map(|(_, body)| Body::decode(Kind::Policy, &body));
        let Some(Ok(Body::Policy(policy))) = body else { return false };
        let target = translate::name(target);
        policy.attachments.iter().any(|attachment| attachment.target == target.as_str())
    }

    fn server_facts(&self, key: &Key) -> ServerFacts<'_> {
        ServerFacts { report: self.world.reports.get(key), listing: self.listings.get(key) }
    }

    /// What the route in force shows.
    fn exposure(&self, key: &ObjectKey) -> Exposure {
        let Some((_, body)) = self.log.get(&translate::name(key)) else { return Exposure::default() };
        let Ok(Body::Route(route)) = Body::decode(Kind::Route, &body) else { return Exposure::default() };
        let trusted: Vec<Vec<TrustedAnnotations>> =
            route.servers.iter().map(|entry| self.trusted(&entry.server)).collect();
        let seen = |position: usize, server: &str| -> Option<Seen<'_>> {
            let name: Name = server.parse().ok()?;
            let listing = self.listings.get(&Key::new(name.namespace(), name.name()))?;
            Some((listing, trusted.get(position)?))
        };
        let position = |route: &Route, name: &str| route.servers.iter().position(|entry| entry.name == name);
        expose(&route, |entry| seen(position(&route, &entry.name)?, &entry.server))
    }

    fn trusted(&self, server: &str) -> Vec<TrustedAnnotations> {
        let server = server.parse().ok().and_then(|name: Name| self.log.get(&name));
        match server.map(|(_, body)| Body::decode(Kind::Server, &body)) {
            Some(Ok(Body::Server(server))) => server.trusted,
            _ => Vec::new(),
        }
    }

    fn route_facts(&self, key: &ObjectKey, now: i64) -> RouteFacts<'_> {
        let route = self.world.routes.get(&key.key).and_then(Stored::valid);
        let exposure = self.exposure(key);
        let servers = route.iter().flat_map(|route| {
            let stale_for = route
                .spec
                .aggregation
                .stale_for
                .parse()
                .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
            route.spec.servers.iter().map(move |entry| (entry, stale_for))
        });
        let servers = servers.map(|(entry, stale_for)| {
            let server = edges::server_key(&key.key, &entry.server_ref);
            let Some(shown) = exposure.servers.iter().find(|shown| shown.entry == entry.name) else {
                return ServerView::refused(&entry.name);
            };
            let reported = self.world.reports.contains_key(&server);
            let since = self.listings.get(&server).map(|listing| listing.stale_since).filter(|since| *since != 0);
            ServerView::of(shown, reported, since.map(|since| now - since), stale_for)
        });
        let refused = !findings::of_problems(self.problems_of(key), None)
            .first()
            .is_some_and(|accepted| accepted.status == portolan_crds::Status::True);
        RouteFacts {
            fleet: &self.world.settings.fleet,
            endpoint: route.and_then(|route| self.endpoint(route)),
            servers: servers.collect(),
            reached: self.progress.get(key).filter(|_| !refused).map(|progress| &progress.reached),
        }
    }

    /// The URL that agents use: the external one, on the route's own host where it has one.
    fn endpoint(&self, route: &McpRoute) -> Option<String> {
        let external = self.world.settings.external_url.as_deref()?;
        let mut url = url::Url::parse(external).ok()?;
        let hosts = &route.spec.hostnames;
        if let Some(first) = hosts.first()
            && !hosts.iter().any(|host| url.host_str() == Some(host))
        {
            url.set_host(Some(first)).ok()?;
        }
        url.set_path(&route.spec.path);
        Some(url.to_string())
    }
}

/// The object of ours that a resource is made of.
pub(super) fn owner(name: &Name) -> Option<ObjectKey> {
    let kind = match name.kind() {
        Kind::Server | Kind::Endpoints => ObjectKind::McpServer,
        Kind::Route => ObjectKind::McpRoute,
        Kind::Policy => ObjectKind::McpPolicy,
        _ => return None,
    };
    Some(ObjectKey::new(kind, Key::new(name.namespace(), name.name())))
}

/// The update that makes `old` to `new`, if they differ.
fn written<K: kube::Resource, S: Serialize + PartialEq>(
    key: &ObjectKey,
    stored: &Stored<K>,
    old: &S,
    new: &S,
    transitions: Vec<status::Transition>,
) -> Option<Update> {
    if old == new {
        return None;
    }
    let status: Value = serde_json::to_value(new).ok()?;
    let (meta, malformed) = (stored.meta(), stored.valid().is_none());
    let (uid, version) = (meta.uid.clone(), meta.resource_version.clone());
    Some(Update { object: key.clone(), uid, version, malformed, status, transitions })
}
