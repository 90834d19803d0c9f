//! What `portolan check` says of a set of objects: the translation's problems, and what the API server would say that is not there.

use portolan_crds::Reason;
use serde::Serialize;
use serde_json::Value;

use super::{Effect, Problem, Problems, schema};
use crate::{
    index::{Dirty, World},
    object::{Object, ObjectKey, ObjectKind, Stored},
    settings::{SecretAccess, Settings},
};

/// Every problem of `objects`, by object, in the order of their fields.
///
/// Services and Secrets that none of them is are taken to be in the cluster.
#[must_use]
pub fn check(objects: Vec<Object>) -> Vec<Problem> {
    let settings = Settings { secrets: SecretAccess::Files, open_without_authentication: true, ..Settings::default() };
    let mut world = World::new(settings);
    for object in objects {
        world.apply(object, &mut Dirty::default());
    }
    let kinds = [ObjectKind::McpServer, ObjectKind::McpRoute, ObjectKind::McpPolicy];
    kinds.into_iter().flat_map(|kind| world.keys(kind)).flat_map(|key| of(&key, &world)).collect()
}

fn of(key: &ObjectKey, world: &World) -> Vec<Problem> {
    let mut found = super::object(key, world).problems;
    found.retain(|problem| !elsewhere(problem));
    let json = match key.kind {
        ObjectKind::McpServer => json(world.servers.get(&key.key)),
        ObjectKind::McpRoute => json(world.routes.get(&key.key)),
        _ => json(world.policies.get(&key.key)),
    };
    let mut more = Problems::of(key.clone());
    for fault in json.iter().flat_map(|object| schema::faults(key.kind.as_str(), object)) {
        if !found.iter().any(|problem| problem.field == fault.field && problem.effect == Effect::Refused) {
            more.add(Reason::Invalid, fault.field, fault.message, "");
        }
    }
    found.extend(more.found);
    found
}

/// Whether a problem is that something is missing which files for a cluster seldom hold, or that another fleet's operator has to see to.
fn elsewhere(problem: &Problem) -> bool {
    let service = problem.object.kind == ObjectKind::McpServer && problem.reason == Reason::BackendNotFound;
    let summary = problem.effect == Effect::Partial && problem.reason == Reason::ServersDropped;
    service || summary || matches!(problem.reason, Reason::SecretNotFound | Reason::NoFleet)
}

fn json<K: kube::Resource + Serialize>(stored: Option<&Stored<K>>) -> Option<Value> {
    serde_json::to_value(stored?.valid()?).ok()
}

#[cfg(test)]
mod tests;
