//! McpRoute -> `Route`.

use portolan_config::proto::{
    Aggregation, Conflict, ExcludeAnnotated, OnServerFailure, Route, RouteServer, ToolOverride,
};
use portolan_crds::{McpRoute, Reason, route};

use super::{Effect, Outcome, Problems, Translation, policy, validate};
use crate::{
    index::{World, edges, references::Node},
    object::{Key, ObjectKey, ObjectKind, Stored},
};

/// Translates the route at `key`.
pub(super) fn translate(key: &Key, world: &World, mut problems: Problems) -> Translation {
    let name = super::name(&ObjectKey::new(ObjectKind::McpRoute, key.clone()));
    let route = match world.routes.get(key) {
        None => return Translation::of(name, Outcome::Remove, problems),
        Some(Stored::Malformed(malformed)) => {
            validate::malformed(malformed, &mut problems);
            return Translation::of(name, Outcome::Hold(Vec::new()), problems);
        }
        Some(Stored::Valid(route)) => route,
    };
    if !world.settings.serves(route) {
        let wanted = route.spec.fleet.as_deref().unwrap_or("the default one");
        problems.add(
            Reason::NoFleet,
            "spec.fleet",
            format!("this is fleet {}, the route is of fleet {wanted}", world.settings.fleet),
            "",
        );
        return Translation::of(name, Outcome::Remove, problems);
    }
    validate::route(route, &mut problems);
    if problems.refuse() {
        return Translation::of(name, Outcome::Hold(Vec::new()), problems);
    }
    let hostnames = hostnames(key, route, world, &mut problems);
    let Some(hostnames) = hostnames else {
        // A last good version would answer on what is the other route's now.
        return Translation::of(name, Outcome::Remove, problems);
    };
    if !world.settings.open_without_authentication && !policy::authenticated(key, world) {
        problems.add(
            Reason::NoAuthentication,
            "",
            "no McpPolicy says who may call this route, so every call is answered 401",
            "attach one with spec.authentication; to let everybody in: `authentication: {anonymous: true}`",
        );
    }
    let route = resource(key, route, hostnames, world, &mut problems);
    Translation::of(name, Outcome::put(route), problems)
}

/// Whether the route at `key` is the oldest that claims a host and path: by creation, then namespace and name.
pub fn holds_address(key: &Key, host: &str, path: &str, world: &World) -> Result<(), Key> {
    let node = Node::Address(host.to_owned(), path.to_owned());
    let age = |key: &Key| (world.routes.get(key).map(created), key.clone());
    let oldest = world.references().to(&node).map(|route| age(&route.key)).min();
    match oldest {
        Some((_, oldest)) if oldest != *key => Err(oldest),
        _ => Ok(()),
    }
}

/// The hosts that the route holds. `None`: another route holds them all.
fn hostnames(key: &Key, route: &McpRoute, world: &World, problems: &mut Problems) -> Option<Vec<String>> {
    let mut held = Vec::new();
    let mut lost = Vec::new();
    for (host, path) in edges::addresses(route) {
        match holds_address(key, &host, &path, world) {
            Ok(()) => held.push(host),
            Err(holder) => lost.push((host, holder)),
        }
    }
    for (host, holder) in &lost {
        let (field, place) =
            if host.is_empty() { ("spec.path", "every other host") } else { ("spec.hostnames", host.as_str()) };
        let problem = problems.add(
            Reason::HostPathConflict,
            field,
            format!("{} on {place} is the older route {holder}'s", route.spec.path),
            "choose another path or host",
        );
        if !held.is_empty() {
            problem.effect = Effect::Partial;
        }
    }
    if held.is_empty() {
        return None;
    }
    // An empty list means any host, which the index calls the empty one.
    held.retain(|host| !host.is_empty());
    Some(held)
}

fn resource(key: &Key, route: &McpRoute, hostnames: Vec<String>, world: &World, problems: &mut Problems) -> Route {
    let spec = &route.spec;
    let entries = spec.servers.iter().enumerate();
    let servers: Vec<RouteServer> =
        entries.filter_map(|(index, entry)| server(key, index, entry, world, problems)).collect();
    if servers.len() < spec.servers.len() && !servers.is_empty() {
        let dropped = spec.servers.len() - servers.len();
        let message = format!("{dropped} of {} servers are left out, the others are served", spec.servers.len());
        problems.add(Reason::ServersDropped, "spec.servers", message, "");
    }
    let conflict = match spec.aggregation.conflict {
        route::Conflict::First => Conflict::First,
        route::Conflict::Reject => Conflict::Reject,
    };
    let on_server_failure = match spec.aggregation.on_server_failure {
        route::OnServerFailure::Partial => OnServerFailure::Partial,
        route::OnServerFailure::Fail => OnServerFailure::Fail,
    };
    Route {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        hostnames,
        path: spec.path.clone(),
        servers,
        aggregation: Some(Aggregation {
            conflict: conflict.into(),
            on_server_failure: on_server_failure.into(),
            stale_for_ms: validate::milliseconds(&spec.aggregation.stale_for),
        }),
        generation: route.metadata.generation.unwrap_or(0),
        created: created_seconds(route),
        external_url: world.settings.external_url.clone().unwrap_or_default(),
    }
}

/// One entry; `None` where its server cannot be used, which costs the others nothing.
fn server(
    key: &Key,
    index: usize,
    entry: &route::RouteServer,
    world: &World,
    problems: &mut Problems,
) -> Option<RouteServer> {
    let server = edges::server_key(key, &entry.server_ref);
    let field = format!("spec.servers[{index}].serverRef");
    if server.namespace != key.namespace {
        problems.add(
            Reason::RefNotPermitted,
            format!("{field}.namespace"),
            format!("McpServer {server} is in another namespace"),
            format!("declare the McpServer in namespace {}", key.namespace),
        );
        return None;
    }
    if !world.servers.contains_key(&server) {
        let message = format!("there is no McpServer {server}");
        problems.add(Reason::BackendNotFound, format!("{field}.name"), message, "create it, or correct the name");
        return None;
    }
    let hints = entry.tools.exclude_annotated;
    let excluded = ExcludeAnnotated {
        read_only_hint: hints.read_only_hint,
        destructive_hint: hints.destructive_hint,
        idempotent_hint: hints.idempotent_hint,
        open_world_hint: hints.open_world_hint,
    };
    let overrides = entry.tools.overrides.iter().map(|change| ToolOverride {
        name: change.name.clone(),
        rename: change.rename.clone(),
        description: change.description.clone(),
    });
    Some(RouteServer {
        name: entry.name.clone(),
        server: super::server_name(&server).to_string(),
        prefix: entry.prefix().to_owned(),
        include: entry.tools.include.clone(),
        exclude: entry.tools.exclude.clone(),
        exclude_annotated: (excluded != ExcludeAnnotated::default()).then_some(excluded),
        overrides: overrides.collect(),
    })
}

fn created(route: &Stored<McpRoute>) -> i64 {
    route.meta().creation_timestamp.as_ref().map_or(0, |time| time.0.as_second())
}

fn created_seconds(route: &McpRoute) -> i64 {
    route.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second())
}
