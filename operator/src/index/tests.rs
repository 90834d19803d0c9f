use serde_json::{Value, json};

use super::*;
use crate::fixtures::{self, policy, read, remote, route, secret, server, service, slice, with, world};

fn apply(world: &mut World, object: Value) -> Vec<String> {
    let mut dirty = Dirty::default();
    world.apply(read(object), &mut dirty);
    names(&dirty)
}

fn delete(world: &mut World, kind: ObjectKind, name: &str) -> Vec<String> {
    let mut dirty = Dirty::default();
    world.delete(&fixtures::key(kind, name), &mut dirty);
    names(&dirty)
}

fn names(dirty: &Dirty) -> Vec<String> {
    dirty.objects.iter().map(|key| format!("{} {}", key.kind, key.key.name)).collect()
}

#[test]
fn an_edited_server_touches_only_itself_and_a_new_one_whoever_names_it() {
    let mut world = world(vec![route("r", &["web"])]);
    assert_eq!(apply(&mut world, server("web")), ["McpServer web", "McpRoute r"]);
    let edited = with(server("web"), "/spec/source/service/port", json!(81));
    assert_eq!(apply(&mut world, edited), ["McpServer web"]);
    assert_eq!(delete(&mut world, ObjectKind::McpServer, "web"), ["McpServer web", "McpRoute r"]);
}

#[test]
fn a_write_of_our_own_status_touches_nothing() {
    let mut world = world(vec![route("r", &["web"])]);
    let mut echo = route("r", &["web"]);
    echo["status"] = json!({"endpoint": "https://x"});
    echo["metadata"]["resourceVersion"] = json!("7");
    assert!(apply(&mut world, echo).is_empty());
    assert_eq!(
        world.routes[&Key::new("shop", "r")].valid().unwrap().status.as_ref().unwrap().endpoint.as_deref(),
        Some("https://x")
    );
}

#[test]
fn a_recreated_object_is_another_one() {
    let mut world = world(vec![route("r", &["web"])]);
    assert_eq!(apply(&mut world, with(route("r", &["web"]), "/metadata/uid", json!("other"))), ["McpRoute r"]);
}

#[test]
fn services_and_slices_touch_the_servers_that_name_them() {
    let mut world = world(vec![server("web"), server("other")]);
    assert_eq!(apply(&mut world, service("web")), ["McpServer web"]);
    assert_eq!(apply(&mut world, slice("web", &["10.0.0.1"])), ["McpServer web"]);
    assert!(apply(&mut world, slice("web", &["10.0.0.1"])).is_empty(), "an equal slice is no change");
    assert_eq!(world.slices(&Key::new("shop", "web")).count(), 1);
    assert_eq!(delete(&mut world, ObjectKind::EndpointSlice, "web-1"), ["McpServer web"]);
    assert_eq!(world.slices(&Key::new("shop", "web")).count(), 0);
    assert_eq!(delete(&mut world, ObjectKind::Service, "web"), ["McpServer web"]);
}

#[test]
fn a_slice_that_changes_its_service_touches_both() {
    let mut world = world(vec![server("web"), server("other"), slice("web", &["10.0.0.1"])]);
    let label = "/metadata/labels/kubernetes.io~1service-name";
    let mut moved = slice("web", &["10.0.0.1"]);
    *moved.pointer_mut(label).unwrap() = json!("other");
    assert_eq!(apply(&mut world, moved), ["McpServer other", "McpServer web"]);
}

fn with_credentials(name: &str) -> Value {
    let header = json!({"header": {"name": "X-Key", "secretRef": {"name": "token", "key": "k"}}});
    with(remote(name), "/spec/credentials", header)
}

#[test]
fn a_secret_touches_itself_and_whoever_names_it() {
    let mut world = world(vec![with_credentials("web")]);
    assert_eq!(apply(&mut world, secret("token", json!({"k": "v"}))), ["McpServer web", "Secret token"]);
    assert!(apply(&mut world, secret("token", json!({"k": "v"}))).is_empty());
    assert_eq!(world.references().secrets().collect::<Vec<_>>(), [&Key::new("shop", "token")]);
    assert_eq!(
        apply(&mut world, remote("web")),
        ["McpServer web", "Secret token"],
        "the last reference takes it along"
    );
    assert_eq!(world.references().secrets().count(), 0);
}

#[test]
fn a_lost_grant_drops_what_was_read_and_touches_whoever_names_it() {
    let settings = Settings { secrets: SecretAccess::ByGrant, ..fixtures::files() };
    let mut world = fixtures::world_by(settings, vec![with_credentials("web"), secret("token", json!({"k": "v"}))]);
    assert!(!world.grants_settled());
    let mut dirty = Dirty::default();
    world.set_grant("shop", Grant::Listed, &mut dirty);
    assert!(world.grants_settled());
    let mut dirty = Dirty::default();
    world.set_grant("shop", Grant::Denied, &mut dirty);
    assert_eq!(names(&dirty), ["McpServer web", "Secret token"]);
    assert!(world.secret(&Key::new("shop", "token")).is_none());
    let mut dirty = Dirty::default();
    world.set_grant("shop", Grant::Denied, &mut dirty);
    assert!(dirty.is_clean(), "the same answer again is no change");
}

#[test]
fn routes_with_one_address_touch_each_other() {
    let at = |name| with(route(name, &["web"]), "/spec/path", json!("/mcp"));
    let mut world = world(vec![at("a")]);
    assert_eq!(apply(&mut world, at("b")), ["McpRoute a", "McpRoute b"]);
    assert_eq!(apply(&mut world, route("a", &["web"])), ["McpRoute a", "McpRoute b"], "the one that leaves frees it");
    assert_eq!(delete(&mut world, ObjectKind::McpRoute, "b"), ["McpRoute b"]);
}

#[test]
fn policies_touch_their_target_and_their_rivals() {
    let sections = json!({"authorization": {"default": "Allow"}});
    let mut world = world(vec![route("r", &["web"]), policy("a", "r", sections.clone())]);
    assert_eq!(apply(&mut world, policy("b", "r", sections)), ["McpRoute r", "McpPolicy a", "McpPolicy b"]);
    assert_eq!(delete(&mut world, ObjectKind::McpPolicy, "a"), ["McpRoute r", "McpPolicy a", "McpPolicy b"]);
    assert_eq!(delete(&mut world, ObjectKind::McpRoute, "r"), ["McpRoute r", "McpPolicy b"]);
}

#[test]
fn a_malformed_object_keeps_its_last_edges() {
    let mut world = world(vec![route("r", &["web"])]);
    apply(&mut world, with(route("r", &[]), "/spec/servers", json!(7)));
    assert_eq!(apply(&mut world, server("web")), ["McpServer web", "McpRoute r"]);
}

#[test]
fn what_comes_into_a_namespace_touches_a_policy_that_may_be_about_all_of_it() {
    let mut world = world(vec![with(policy("p", "r", json!({})), "/spec/targetRefs", json!("all"))]);
    assert_eq!(apply(&mut world, route("r", &["web"])), ["McpRoute r", "McpPolicy p"]);
    let legible = with(policy("p", "r", json!({})), "/spec/mode", json!(7));
    let mut world = fixtures::world(vec![legible]);
    assert_eq!(apply(&mut world, route("another", &["web"])), ["McpRoute another"]);
}
