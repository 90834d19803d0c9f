//! What each kind of object names: the edges that the index keeps.

use std::collections::BTreeSet;

use portolan_crds::{
    McpPolicy, McpRoute, McpServer,
    policy::{ChosenJwks, TargetKind, TargetRef},
    reference::SecretKeyRef,
    route::ServerRef,
    server::{Chosen, ServiceSource},
};

use super::references::Node;
use crate::{
    object::{Key, ObjectKey, ObjectKind},
    settings::Settings,
};

/// A server names its Service and its credentials.
pub(super) fn of_server(key: &Key, server: &McpServer) -> BTreeSet<Node> {
    let mut nodes = BTreeSet::new();
    if let Some(Chosen::Service(source)) = server.spec.source.chosen() {
        nodes.insert(Node::object(ObjectKind::Service, service_key(key, source)));
    }
    if let Some(header) = &server.spec.credentials.header {
        nodes.insert(Node::object(ObjectKind::Secret, secret_key(key, &header.secret_ref)));
    }
    nodes
}

/// A route names its servers, and claims its addresses.
pub(super) fn of_route(key: &Key, route: &McpRoute, settings: &Settings) -> BTreeSet<Node> {
    let servers =
        route.spec.servers.iter().map(|entry| Node::object(ObjectKind::McpServer, server_key(key, &entry.server_ref)));
    let mut nodes: BTreeSet<Node> = servers.collect();
    if settings.serves(route) {
        nodes.extend(addresses(route).map(|(host, path)| Node::Address(host, path)));
    }
    nodes
}

/// A policy names its targets and the Secrets that hold keys.
pub(super) fn of_policy(key: &Key, policy: &McpPolicy) -> BTreeSet<Node> {
    let mut nodes: BTreeSet<Node> = targets(key, policy).map(Node::Object).collect();
    let jwt = policy.spec.authentication.iter().flat_map(|authentication| &authentication.jwt);
    for issuer in jwt {
        if let Some(ChosenJwks::Secret(secret)) = issuer.jwks.chosen() {
            nodes.insert(Node::object(ObjectKind::Secret, secret_key(key, secret)));
        }
    }
    nodes
}

/// The Service that a source names.
pub fn service_key(server: &Key, source: &ServiceSource) -> Key {
    Key::new(source.namespace.as_deref().unwrap_or(&server.namespace), &source.name)
}

/// The server that an entry of a route names.
pub fn server_key(route: &Key, server: &ServerRef) -> Key {
    Key::new(server.namespace.as_deref().unwrap_or(&route.namespace), &server.name)
}

/// The Secret that an object names, always in its own namespace.
pub fn secret_key(referrer: &Key, secret: &SecretKeyRef) -> Key {
    Key::new(&referrer.namespace, &secret.name)
}

/// Hosts (empty: any) and path that a route claims, each once.
pub fn addresses(route: &McpRoute) -> impl Iterator<Item = (String, String)> {
    let mut hosts: BTreeSet<String> = route.spec.hostnames.iter().map(|host| host.to_ascii_lowercase()).collect();
    if hosts.is_empty() {
        hosts.insert(String::new());
    }
    let path = route.spec.path.clone();
    hosts.into_iter().map(move |host| (host, path.clone()))
}

/// What a policy applies to: objects of its own namespace.
pub fn targets(policy: &Key, object: &McpPolicy) -> impl Iterator<Item = ObjectKey> {
    named(policy, &object.spec.target_refs)
}

/// The objects that references of a policy name.
pub(super) fn named(policy: &Key, targets: &[TargetRef]) -> impl Iterator<Item = ObjectKey> {
    targets.iter().map(|target| {
        let kind = match target.kind {
            TargetKind::McpRoute => ObjectKind::McpRoute,
            TargetKind::McpServer => ObjectKind::McpServer,
        };
        ObjectKey::new(kind, Key::new(&policy.namespace, &target.name))
    })
}
