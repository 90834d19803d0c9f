//! From objects to resources: pure functions of the index. No client, no clock, no gateway's word.
//!
//! An edit that cannot be compiled is *held*: its last good version goes on. Something that it names and that is missing is told, and the rest
//! is in force. An object that is gone is *removed*, and a Secret whose grant is gone is *revoked*.

mod assignment;
mod catalogue;
pub mod check;
mod endpoints;
pub mod exposure;
mod policy;
mod problem;
mod remote;
mod route;
mod rules;
pub mod schema;
mod secret;
mod server;
mod validate;

use std::collections::BTreeSet;

use portolan_config::{
    Body, Kind, Name,
    proto::{Assignment, EndedSession, Fleet},
};

pub use self::{
    catalogue::catalogue,
    policy::{age, authenticated, join_again},
    problem::{Effect, Problem, Problems},
    route::holds_address,
};
use crate::{
    index::World,
    object::{Key, ObjectKey, ObjectKind},
};

/// What becomes of one object.
#[derive(Debug)]
pub struct Translation {
    /// Its resources.
    pub resources: Vec<(Name, Outcome)>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is in force.
    Put(Box<Body>),
    /// Its object is gone, or means nothing any more.
    Remove,
    /// A grant was withdrawn: gateways drop it now.
    Revoke,
    /// Its object cannot be compiled. The last good version stays; these fail closed, but for what that version is on.
    Hold(Vec<Name>),
}

impl Outcome {
    /// The resource is in force with that body.
    pub fn put(body: impl Into<Body>) -> Self {
        Self::Put(Box::new(body.into()))
    }
}

impl Translation {
    fn of(name: Name, outcome: Outcome, problems: Problems) -> Self {
        Self { resources: vec![(name, outcome)], problems: problems.found }
    }
}

/// Translates one object of ours, or one referenced Secret.
#[must_use]
pub fn object(object: &ObjectKey, world: &World) -> Translation {
    let problems = Problems::of(object.clone());
    match object.kind {
        ObjectKind::McpServer => server::translate(&object.key, world, problems),
        ObjectKind::McpRoute => route::translate(&object.key, world, problems),
        ObjectKind::McpPolicy => policy::translate(&object.key, world, problems),
        ObjectKind::Secret => Translation::of(name(object), secret::translate(&object.key, world), problems),
        // They are read through the servers that name them.
        ObjectKind::Service | ObjectKind::EndpointSlice => Translation { resources: Vec::new(), problems: Vec::new() },
    }
}

/// The resource that is an object's own.
#[must_use]
pub fn name(object: &ObjectKey) -> Name {
    let kind = match object.kind {
        ObjectKind::McpRoute => Kind::Route,
        ObjectKind::McpPolicy => Kind::Policy,
        ObjectKind::Secret => Kind::Secret,
        ObjectKind::Service | ObjectKind::EndpointSlice => Kind::Endpoints,
        ObjectKind::McpServer => Kind::Server,
    };
    Name::new(kind, &object.key.namespace, &object.key.name)
}

/// What every gateway of the fleet shares.
#[must_use]
pub fn fleet(world: &World) -> Fleet {
    let ended =
        world.ended.iter().map(|(session, expires)| EndedSession { session: session.clone(), expires: *expires });
    let pods = u32::try_from(pods(world)).unwrap_or(u32::MAX).max(1);
    Fleet { pods, key_ids: Vec::new(), ended_sessions: ended.collect() }
}

/// The pods that are ready behind the fleet's Service, whether they are connected or not.
#[must_use]
pub fn ready_pods(world: &World) -> BTreeSet<&str> {
    let service = world.settings.fleet_service.as_ref();
    service.into_iter().flat_map(|service| endpoints::ready_pods(world.slices(service))).collect()
}

/// How many gateway pods ought to serve: those that are connected, and those that are ready behind the fleet's Service.
#[must_use]
pub fn pods(world: &World) -> usize {
    let ready = ready_pods(world).into_iter();
    ready.filter(|pod| !world.gateways.contains(*pod)).count() + world.gateways.len()
}

/// Which servers each gateway lists.
#[must_use]
pub fn assignments(world: &World) -> Vec<Assignment> {
    let servers: Vec<Name> = world.servers.keys().map(server_name).collect();
    let servers: Vec<&str> = servers.iter().map(Name::as_str).collect();
    let gateways: Vec<&str> = world.gateways.iter().map(String::as_str).collect();
    assignment::assign(&servers, &gateways)
        .into_iter()
        .map(|(gateway, servers)| Assignment {
            gateway: gateway.to_owned(),
            servers: servers.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

fn server_name(key: &Key) -> Name {
    Name::new(Kind::Server, &key.namespace, &key.name)
}

#[cfg(test)]
mod tests;
