use serde_json::json;

use super::*;
use crate::fixtures::{policy, read, remote, route, server, with};

fn fields(objects: Vec<Value>) -> Vec<String> {
    check(objects.into_iter().map(read).collect())
        .iter()
        .map(|problem| format!("{} {}", problem.object, problem.field))
        .collect()
}

#[test]
fn a_sound_set_has_no_problems_even_if_its_service_is_elsewhere() {
    let sound = policy("p", "r", json!({"authentication": {"anonymous": true}}));
    assert!(fields(vec![server("web"), remote("far"), route("r", &["web", "far"]), sound]).is_empty());
}

#[test]
fn bounds_and_patterns_of_the_schema_are_checked() {
    let long = with(route("r", &["web"]), "/spec/servers/0/prefix", json!("p".repeat(64)));
    let wrong = with(server("web"), "/spec/source/service/port", json!(70000));
    assert_eq!(
        fields(vec![wrong, long]),
        ["McpServer shop/web spec.source.service.port", "McpRoute shop/r spec.servers[0].prefix"]
    );
}

#[test]
fn rules_of_the_crds_are_checked() {
    for (object, field) in [
        (
            with(
                remote("web"),
                "/spec/credentials",
                json!({"header": {"name": "Host", "secretRef": {"name": "s", "key": "k"}}}),
            ),
            "spec.credentials.header.name",
        ),
        (
            with(
                remote("web"),
                "/spec/credentials",
                json!({"header": {"name": "X-Key", "format": "x", "secretRef": {"name": "s", "key": "k"}}}),
            ),
            "spec.credentials.header.format",
        ),
        (with(remote("web"), "/spec/trust", json!({"annotations": [{"tools": ["*"]}]})), "spec.trust.annotations[0]"),
        (with(remote("web"), "/spec/health", json!({"interval": "2h"})), "spec.health.interval"),
        (with(remote("web"), "/spec/health", json!({"timeout": "50ms"})), "spec.health.timeout"),
    ] {
        assert_eq!(fields(vec![object]), [format!("McpServer shop/web {field}")]);
    }
    let bare = json!([{"name": "web", "serverRef": {"name": "web"}, "tools": {"overrides": [{"name": "x"}]}}]);
    let route_fields = fields(vec![remote("web"), with(route("r", &[]), "/spec/servers", bare)]);
    assert_eq!(route_fields, ["McpRoute shop/r spec.servers[0].tools.overrides[0]"]);
    for (sections, field) in [
        (json!({"rateLimits": [{"name": "l", "requests": 1, "window": "25h"}]}), "spec.rateLimits[0].window"),
        (json!({"limits": {"responseBytes": "1"}}), "spec.limits.responseBytes"),
        (
            json!({"authentication": {"jwt": [{"issuer": "i", "claims": {"a-b": "x"},
            "jwks": {"inline": "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"a\", \"e\": \"b\"}]}"}}]}}),
            "spec.authentication.jwt[0].claims",
        ),
    ] {
        assert_eq!(
            fields(vec![remote("web"), route("r", &["web"]), policy("p", "r", sections)]),
            [format!("McpPolicy shop/p {field}")]
        );
    }
    let on_a_server = json!([{"kind": "McpServer", "name": "web"}]);
    let misplaced =
        with(policy("p", "r", json!({"authentication": {"anonymous": true}})), "/spec/targetRefs", on_a_server);
    assert_eq!(fields(vec![remote("web"), misplaced]), ["McpPolicy shop/p spec.authentication"]);
}

#[test]
fn a_server_that_no_file_has_is_a_problem() {
    assert_eq!(fields(vec![route("r", &["web"])]), ["McpRoute shop/r spec.servers[0].serverRef.name"]);
}
