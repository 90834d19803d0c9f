//! Cases of McpServer.

use serde_json::{Value, json};

use crate::case::{Case, bad, good};

/// A server with every field that a case changes.
pub fn base() -> Value {
    json!({
        "source": {"service": {"name": "github-mcp", "port": 8080}},
        "protocol": {"revisions": ["2025-11-25"]},
        "credentials": {"header": {"name": "Authorization", "format": "Bearer %s", "secretRef": {"name": "token", "key": "key"}}},
        "trust": {"annotations": [{"tools": ["get_*"], "readOnlyHint": true}]},
        "health": {"interval": "15s", "timeout": "3s", "maxConcurrent": 10},
    })
}

fn remote(url: &str) -> Value {
    json!({"remote": {"url": url}})
}

pub fn cases() -> Vec<Case> {
    [source(), paths(), urls(), protocol(), credentials(), trust(), health()].into_iter().flatten().collect()
}

fn source() -> Vec<Case> {
    const ONE: &str = "must have exactly one of service and remote";
    let both = json!({"service": {"name": "a", "port": 80}, "remote": {"url": "https://a.example/mcp"}});
    vec![
        good("source.service.port", 65535),
        good("source.service.namespace", "scm"),
        good("source", remote("https://mcp.vendor.example/mcp")),
        bad("source", both, ONE),
        bad("source", json!({}), ONE),
        bad("source", Value::Null, "Required value"),
        bad("source.service.name", "Upper", "should match"),
        bad("source.service.name", "a".repeat(64), "Too long"),
        bad("source.service.name", Value::Null, "Required value"),
        bad("source.service.port", 0, "greater than or equal to 1"),
        bad("source.service.port", 65536, "less than or equal to 65535"),
        bad("source.service.namespace", "a.b", "should match"),
    ]
}

fn paths() -> Vec<Case> {
    const AT: &str = "source.service.path";
    const PLAIN: &str = "must be a plain path: no query, fragment, space or percent-encoding";
    const DOTS: &str = "must not have '.' or '..' as a segment";
    vec![
        good(AT, "/"),
        good(AT, "/a/b-c_d~e.f/"),
        good(AT, "/a..b/.c"),
        bad(AT, "mcp", "must begin with '/'"),
        bad(AT, "", "should be at least 1 chars long"),
        bad(AT, "/".to_owned() + &"a".repeat(256), "Too long"),
        bad(AT, "/a?b=c", PLAIN),
        bad(AT, "/a#b", PLAIN),
        bad(AT, "/a b", PLAIN),
        bad(AT, "/a%2fb", PLAIN),
        bad(AT, "/a\nb", PLAIN),
        bad(AT, "/a/../b", DOTS),
        bad(AT, "/..", DOTS),
        bad(AT, "/a/.", DOTS),
        bad(AT, "/a//b", "must not have an empty segment"),
    ]
}

fn urls() -> Vec<Case> {
    const URL: &str = "must be a URL of the form https://HOST or http://HOST";
    const USER: &str = "must not hold user information: credentials belong in a Secret";
    let refused = |url: &str, message| bad("source", remote(url), message).seen_at("source.remote.url");
    let tls = |url: &str| json!({"remote": {"url": url, "tls": {"hostname": "mcp.vendor.example"}}});
    vec![
        good("source", remote("http://127.0.0.1:8000/mcp?key=1@2")),
        good("source", remote("https://[2001:db8::1]/")),
        refused("ftp://a.example/", URL),
        refused("mcp.vendor.example/mcp", URL),
        refused("https://", URL),
        refused("https:///mcp", URL),
        refused("https://a b/", URL),
        refused("https://user:password@a.example/", USER),
        refused("https://user@a.example/", USER),
        refused("https://a.example/#b", "must not have a fragment: it is never sent"),
        refused(&format!("https://a.example/{}", "a".repeat(2048)), "Too long"),
        good("source", tls("https://192.0.2.1/mcp")),
        bad("source", tls("http://a.example/"), "tls needs an https URL").seen_at("source.remote"),
        bad(
            "source",
            json!({"remote": {"url": "https://a.example/", "tls": {"hostname": "*.example"}}}),
            "should match",
        )
        .seen_at("source.remote.tls.hostname"),
    ]
}

fn protocol() -> Vec<Case> {
    vec![
        good("protocol.revisions", json!([])),
        good("protocol.revisions", json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])),
        bad("protocol.revisions.0", "2023-01-01", "Unsupported value"),
        bad("protocol.revisions", json!(["2025-11-25", "2025-11-25"]), "Duplicate value")
            .seen_at("protocol.revisions.1"),
        good("protocol.sessions", "Never"),
        bad("protocol.sessions", "Always", "Unsupported value"),
    ]
}

fn credentials() -> Vec<Case> {
    const NAME: &str = "credentials.header.name";
    const FORMAT: &str = "credentials.header.format";
    const HOLE: &str = "must have exactly one %s, where the Secret's value goes";
    vec![
        good(NAME, "X-Api-Key"),
        bad(NAME, "X Api Key", "should match"),
        bad(NAME, "hOST", "the gateway sets this header itself"),
        bad(NAME, "Transfer-Encoding", "the gateway sets this header itself"),
        bad(NAME, "Mcp-Session-Id", "headers of the protocol carry no credentials"),
        good(FORMAT, Value::Null),
        good(FORMAT, "token=%s; 100%"),
        bad(FORMAT, "Bearer", HOLE),
        bad(FORMAT, "%s:%s", HOLE),
        bad(FORMAT, "Bearer\r\nX: %s", "should match"),
        bad("credentials.header.secretRef.name", "Upper", "should match"),
        bad("credentials.header.secretRef.key", "a/b", "should match"),
        bad("credentials.header.secretRef", Value::Null, "Required value"),
    ]
}

fn trust() -> Vec<Case> {
    let globs = |count: usize| json!((0..count).map(|index| format!("tool_{index}*")).collect::<Vec<_>>());
    let entries = |count: usize| json!(vec![json!({"tools": ["*"], "openWorldHint": false}); count]);
    vec![
        good("trust.annotations", entries(64)),
        bad("trust.annotations", entries(65), "must have at most 64 items"),
        good("trust.annotations.0.tools", globs(64)),
        bad("trust.annotations.0.tools", globs(65), "must have at most 64 items"),
        bad("trust.annotations.0.tools", json!([]), "should have at least 1 items"),
        bad("trust.annotations.0.tools.0", "a".repeat(129), "Too long"),
        bad("trust.annotations.0", json!({"tools": ["*"]}), "must have at least one hint"),
        bad("trust.annotations.0.readOnlyHint", "yes", "must be of type boolean"),
    ]
}

fn health() -> Vec<Case> {
    const INTERVAL: &str = "must be from 1s to 1h";
    const TIMEOUT: &str = "must be from 100ms to 1m";
    vec![
        good("health", json!({})),
        good("health.interval", "1h"),
        bad("health.interval", "1h1ms", INTERVAL),
        bad("health.interval", "999ms", INTERVAL),
        bad("health.interval", "15", "should match"),
        bad("health.interval", "1.5s", "should match"),
        good("health.timeout", "100ms"),
        bad("health.timeout", "99ms", TIMEOUT),
        bad("health", json!({"interval": "1h", "timeout": "61s"}), TIMEOUT).seen_at("health.timeout"),
        good("health.timeout", "15s"),
        bad("health.timeout", "16s", "timeout must not be longer than interval").seen_at("health"),
        bad("health.maxConcurrent", 0, "greater than or equal to 1"),
        bad("health.maxConcurrent", 1_000_001, "less than or equal to 1000000"),
    ]
}
