//! Objects for tests, as people write them.

use serde_json::{Value, json};

use crate::{
    index::{Dirty, World},
    object::{Key, Object, ObjectKey, ObjectKind},
    settings::{SecretAccess, Settings},
    translate::{self, Outcome, Translation},
};

pub(crate) fn own(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "portolan.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "uid": name, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": spec,
    })
}

pub(crate) fn server(name: &str) -> Value {
    own("McpServer", name, json!({"source": {"service": {"name": name, "port": 80}}}))
}

pub(crate) fn remote(name: &str) -> Value {
    own("McpServer", name, json!({"source": {"remote": {"url": format!("https://{name}.example/mcp")}}}))
}

pub(crate) fn route(name: &str, servers: &[&str]) -> Value {
    let servers: Vec<Value> =
        servers.iter().map(|server| json!({"name": server, "serverRef": {"name": server}})).collect();
    own("McpRoute", name, json!({"path": format!("/{name}"), "servers": servers}))
}

pub(crate) fn policy(name: &str, target: &str, sections: Value) -> Value {
    let mut spec = sections;
    spec["targetRefs"] = json!([{"kind": "McpRoute", "name": target}]);
    own("McpPolicy", name, spec)
}

pub(crate) fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"ports": [{"name": "http", "port": 80}]}})
}

pub(crate) fn slice(service: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<Value> = addresses.iter().map(|address| json!({"addresses": [address], "zone": "a"})).collect();
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("{service}-1"), "namespace": "shop", "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 8080}], "endpoints": endpoints})
}

pub(crate) fn secret(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "stringData": data})
}

/// The object at a path of keys, changed.
pub(crate) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[last] = value;
    object
}

pub(crate) fn read(value: Value) -> Object {
    Object::read(value).unwrap()
}

pub(crate) fn files() -> Settings {
    Settings { secrets: SecretAccess::Files, open_without_authentication: true, ..Settings::default() }
}

pub(crate) fn world_by(settings: Settings, objects: Vec<Value>) -> World {
    let mut world = World::new(settings);
    for object in objects {
        world.apply(read(object), &mut Dirty::default());
    }
    world
}

pub(crate) fn world(objects: Vec<Value>) -> World {
    world_by(files(), objects)
}

pub(crate) fn key(kind: ObjectKind, name: &str) -> ObjectKey {
    ObjectKey::new(kind, Key::new("shop", name))
}

pub(crate) fn translate(world: &World, kind: ObjectKind, name: &str) -> Translation {
    translate::object(&key(kind, name), world)
}

/// Reason and field of every problem.
pub(crate) fn reasons(translation: &Translation) -> Vec<(String, String)> {
    translation.problems.iter().map(|problem| (problem.reason.to_string(), problem.field.clone())).collect()
}

pub(crate) fn outcome(translation: &Translation, name: &str) -> Outcome {
    let found = translation.resources.iter().find(|(resource, _)| resource.as_str() == name);
    found.unwrap_or_else(|| panic!("{name} is not in {:?}", translation.resources)).1.clone()
}

/// Expects reasons with their fields, in order.
macro_rules! assert_reasons {
    ($translation:expr, [$(($reason:expr, $field:expr)),* $(,)?]) => {
        match &$translation {
            translation => {
                let expected: Vec<(String, String)> = vec![$(($reason.to_owned(), $field.to_owned())),*];
                assert_eq!($crate::fixtures::reasons(translation), expected, "{:#?}", translation.problems);
            }
        }
    };
}
pub(crate) use assert_reasons;
