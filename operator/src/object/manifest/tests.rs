use serde_json::json;

use super::*;

fn read(manifest: Value) -> Result<String, Unreadable> {
    Object::read(manifest).map(|object| object.key().to_string())
}

#[test]
fn an_object_without_a_namespace_is_in_default() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}});
    assert_eq!(read(service), Ok("Service default/web".into()));
}

#[test]
fn a_spec_that_cannot_be_read_is_a_value_all_the_same() {
    let route = json!({"apiVersion": "portolan.dev/v1alpha1", "kind": "McpRoute", "metadata": {"name": "r"}, "spec": {"servers": 7}});
    let Ok(Object::Route(stored)) = Object::read(route) else { panic!("no route") };
    assert!(matches!(*stored, Stored::Malformed(_)));
}

#[test]
fn other_kinds_and_versions_are_told_apart() {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}});
    assert_eq!(read(deployment), Err(Unreadable::OtherKind("apps/v1 Deployment".into())));
    let later = json!({"apiVersion": "portolan.dev/v2", "kind": "McpRoute", "metadata": {"name": "r"}});
    assert_eq!(read(later), Err(Unreadable::OtherVersion("portolan.dev/v2".into())));
}

#[test]
fn an_object_without_a_name_is_refused() {
    let nameless = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}});
    assert!(matches!(read(nameless), Err(Unreadable::Malformed(_))));
}
