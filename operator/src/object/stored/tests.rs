use portolan_crds::{McpPolicy, McpServer};
use serde_json::json;

use super::*;

fn server(spec: &Value) -> Stored<McpServer> {
    serde_json::from_value(json!({"metadata": {"name": "a", "generation": 3}, "spec": spec})).unwrap()
}

#[test]
fn an_object_of_the_right_shape_is_valid() {
    let stored = server(&json!({"source": {"remote": {"url": "https://a.example/"}}}));
    assert!(stored.valid().is_some());
    assert_eq!(stored.meta().generation, Some(3));
}

#[test]
fn an_object_of_another_shape_tells_where_it_departs() {
    let Stored::Malformed(malformed) = server(&json!({"source": {"service": {"name": "a", "port": "http"}}})) else {
        panic!("it is no object")
    };
    assert_eq!(malformed.field, "spec.source.service.port");
    assert!(malformed.error.contains("http"), "{}", malformed.error);
    assert_eq!(malformed.meta.name.as_deref(), Some("a"));
}

#[test]
fn what_is_legible_of_a_malformed_policy_is_kept() {
    let policy: Stored<McpPolicy> = serde_json::from_value(json!({
        "metadata": {"name": "p"},
        "spec": {"targetRefs": [{"kind": "McpRoute", "name": "r"}], "mode": 7},
        "status": {"ancestors": []},
    }))
    .unwrap();
    let Stored::Malformed(malformed) = &policy else { panic!("it is no object") };
    assert_eq!(malformed.targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), ["r"]);
    assert_eq!(policy.status(), portolan_crds::policy::McpPolicyStatus::default());
}

#[test]
fn an_object_without_metadata_is_none() {
    assert!(serde_json::from_value::<Stored<McpServer>>(json!({"spec": 1})).is_err());
}
