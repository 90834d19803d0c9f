//! Cases of McpRoute.

use serde_json::{Value, json};

use crate::case::{Case, bad, good};

/// A route with every field that a case changes.
pub fn base() -> Value {
    json!({
        "hostnames": ["mcp.acme.example"],
        "path": "/eng/mcp",
        "servers": [
            {
                "name": "github",
                "serverRef": {"name": "github"},
                "tools": {"include": ["*"], "overrides": [{"name": "search_code", "as": "code_search"}]},
            },
            {"name": "internal", "serverRef": {"name": "internal"}, "prefix": ""},
        ],
        "aggregation": {"staleFor": "10m"},
    })
}

pub fn cases() -> Vec<Case> {
    [address(), servers(), tools(), aggregation()].into_iter().flatten().collect()
}

fn address() -> Vec<Case> {
    const OWN: &str = "/.well-known belongs to the gateway's own documents";
    let hosts = |count: usize| json!((0..count).map(|index| format!("h{index}.example")).collect::<Vec<_>>());
    vec![
        good("fleet", "edge"),
        bad("fleet", "Edge", "should match"),
        good("hostnames", Value::Null),
        good("hostnames", hosts(16)),
        bad("hostnames", hosts(17), "must have at most 16 items"),
        bad("hostnames", json!(["a.example", "a.example"]), "Duplicate value").seen_at("hostnames.1"),
        bad("hostnames.0", "*.example", "should match"),
        bad("hostnames.0", "A.example", "should match"),
        bad("hostnames.0", "a.example:8080", "should match"),
        good("path", Value::Null),
        good("path", "/.well-known2"),
        bad("path", "mcp", "must begin with '/'"),
        bad("path", "/a?b", "must be a plain path: no query, fragment, space or percent-encoding"),
        bad("path", "/a/..", "must not have '.' or '..' as a segment"),
        bad("path", "//", "must not have an empty segment"),
        bad("path", "/.well-known/oauth-protected-resource", OWN),
        bad("path", "/.well-known", OWN),
    ]
}

fn servers() -> Vec<Case> {
    let entry = |index: usize| json!({"name": format!("s{index}"), "serverRef": {"name": "a"}});
    let entries = |count: usize| json!((0..count).map(entry).collect::<Vec<_>>());
    vec![
        good("servers", entries(128)),
        bad("servers", entries(129), "must have at most 128 items"),
        bad("servers", json!([]), "should have at least 1 items"),
        bad("servers", Value::Null, "Required value"),
        bad("servers.1.name", "github", "Duplicate value").seen_at("servers.1"),
        bad("servers.0.name", "a_b", "should match"),
        good("servers.0.serverRef.namespace", "scm"),
        bad("servers.0.serverRef.name", "a/b", "should match"),
        bad("servers.0.serverRef", Value::Null, "Required value"),
        good("servers.0.prefix", "GH_-9"),
        bad("servers.0.prefix", "gh.", "should match"),
        bad("servers.0.prefix", "a".repeat(64), "Too long"),
    ]
}

fn tools() -> Vec<Case> {
    const OVERRIDES: &str = "servers.0.tools.overrides";
    let globs = |count: usize| json!(vec!["a*"; count]);
    let override_ = |index: usize| json!({"name": format!("t{index}"), "description": "d"});
    let overrides = |count: usize| json!((0..count).map(override_).collect::<Vec<_>>());
    vec![
        good("servers.0.tools.include", globs(64)),
        bad("servers.0.tools.include", globs(65), "must have at most 64 items"),
        bad("servers.0.tools.exclude", globs(65), "must have at most 64 items"),
        bad("servers.0.tools.exclude", json!([""]), "should be at least 1 chars long")
            .seen_at("servers.0.tools.exclude.0"),
        good("servers.0.tools.excludeAnnotated", json!({"destructiveHint": true})),
        bad("servers.0.tools.excludeAnnotated", json!({"destructiveHint": 1}), "must be of type boolean")
            .seen_at("servers.0.tools.excludeAnnotated.destructiveHint"),
        good(OVERRIDES, overrides(64)),
        bad(OVERRIDES, overrides(65), "must have at most 64 items"),
        bad(OVERRIDES, json!([override_(0), override_(0)]), "Duplicate value").seen_at("servers.0.tools.overrides.1"),
        bad("servers.0.tools.overrides.0", json!({"name": "a"}), "must have as, description or both"),
        bad("servers.0.tools.overrides.0.as", "a.b", "should match"),
        bad("servers.0.tools.overrides.0.as", "a".repeat(65), "Too long"),
        bad("servers.0.tools.overrides.0.description", "a".repeat(4097), "Too long"),
    ]
}

fn aggregation() -> Vec<Case> {
    vec![
        good("aggregation", json!({"conflict": "Reject", "onServerFailure": "Fail", "staleFor": "0s"})),
        bad("aggregation.conflict", "Last", "Unsupported value"),
        bad("aggregation.onServerFailure", "Ignore", "Unsupported value"),
        bad("aggregation.staleFor", "10 m", "should match"),
        good("aggregation.staleFor", "24h"),
        bad("aggregation.staleFor", "24h1ms", "must not be longer than 24h"),
    ]
}
