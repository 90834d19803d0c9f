//! Cases of McpPolicy.

use serde_json::{Value, json};

use crate::case::{Case, bad, good};

/// A policy with every field that a case changes.
pub fn base() -> Value {
    json!({
        "targetRefs": [{"kind": "McpRoute", "name": "engineering"}],
        "authentication": {"jwt": [{
            "issuer": "https://id.acme.example",
            "audiences": ["https://mcp.acme.example/mcp"],
            "jwks": {"inline": "{\"keys\":[]}"},
            "claims": {"team": "groups"},
        }]},
        "authorization": {"rules": [{"name": "readers", "action": "Allow", "when": "tool.annotations.readOnlyHint", "tools": ["get_*"]}]},
        "rateLimits": [{"name": "per-user", "key": ["identity.subject", "tool.name"], "requests": 60, "window": "1m", "burst": 10}],
        "limits": {"requestBytes": "1Mi"},
    })
}

pub fn cases() -> Vec<Case> {
    [targets(), authentication(), tokens(), authorization(), rate_limits(), limits()].into_iter().flatten().collect()
}

fn targets() -> Vec<Case> {
    let server = json!({"kind": "McpServer", "name": "github"});
    let many = |count: usize| {
        json!((0..count).map(|n| json!({"kind": "McpRoute", "name": format!("r{n}")})).collect::<Vec<_>>())
    };
    vec![
        good("targetRefs", json!([{"kind": "McpRoute", "name": "github"}, server])),
        good("targetRefs", many(16)),
        bad("targetRefs", many(17), "must have at most 16 items"),
        bad("targetRefs", json!([]), "should have at least 1 items"),
        bad(
            "targetRefs",
            json!([{"kind": "McpRoute", "name": "a"}, {"kind": "McpRoute", "name": "a"}]),
            "Duplicate value",
        )
        .seen_at("targetRefs.1"),
        bad("targetRefs.0.kind", "Service", "Unsupported value"),
        bad("targetRefs.0.name", "A", "should match"),
        bad("targetRefs", json!([server]), "authentication is for routes: a target must be a McpRoute").seen_at(""),
        good("", json!({"targetRefs": [server], "authorization": {"default": "Allow"}})),
        good("mode", "Audit"),
        bad("mode", "Off", "Unsupported value"),
    ]
}

fn authentication() -> Vec<Case> {
    const SOMEBODY: &str = "must have a jwt entry, or anonymous: true";
    const SERVERS: &str = "authentication.resourceMetadata";
    const URL: &str = "must be a URL of the form https://HOST or http://HOST";
    const USER: &str = "must not hold user information: credentials belong in a Secret";
    let server = |url: &str| json!({"authorizationServers": [url]});
    let refused = |url, message| {
        bad(SERVERS, server(url), message).seen_at("authentication.resourceMetadata.authorizationServers.0")
    };
    vec![
        good("authentication", json!({"anonymous": true})),
        bad("authentication", json!({}), SOMEBODY),
        bad("authentication", json!({"anonymous": false, "jwt": []}), SOMEBODY),
        good(SERVERS, json!({"authorizationServers": ["https://id.acme.example"], "scopesSupported": ["mcp:read"]})),
        refused("id.acme.example", URL),
        refused("https://a@id.acme.example", USER),
        refused("https://id.acme.example/#", "must not have a fragment: it is never sent"),
        bad(SERVERS, json!({"scopesSupported": ["a b"]}), "should match")
            .seen_at("authentication.resourceMetadata.scopesSupported.0"),
    ]
}

fn tokens() -> Vec<Case> {
    const KEYS: &str = "authentication.jwt.0.jwks";
    const ONE: &str = "must have exactly one of inline, secretRef and remote";
    const URL: &str = "must be a URL of the form https://HOST or http://HOST";
    const USER: &str = "must not hold user information: credentials belong in a Secret";
    const CLAIMS: &str = "authentication.jwt.0.claims";
    const NAMES: &str = "names must be identifiers, so that a rule can say identity.claims.NAME";
    let entry = |n: usize| json!({"issuer": format!("https://id{n}.example"), "jwks": {"inline": "{}"}});
    let entries = |count: usize| json!((0..count).map(entry).collect::<Vec<_>>());
    let secret = json!({"name": "keys", "key": "jwks.json"});
    let published = |url: &str| json!({"remote": {"url": url}});
    let refused =
        |url: &str, message| bad(KEYS, published(url), message).seen_at("authentication.jwt.0.jwks.remote.url");
    let claims = |count: usize| Value::Object((0..count).map(|n| (format!("c{n}"), json!("claim"))).collect());
    vec![
        good("authentication.jwt", entries(8)),
        bad("authentication.jwt", entries(9), "must have at most 8 items"),
        bad("authentication.jwt", json!([entry(0), entry(0)]), "Duplicate value").seen_at("authentication.jwt.1"),
        bad("authentication.jwt.0.issuer", "", "should be at least 1 chars long"),
        good("authentication.jwt.0.audiences", Value::Null),
        bad("authentication.jwt.0.audiences", json!(["a", "a"]), "Duplicate value")
            .seen_at("authentication.jwt.0.audiences.1"),
        good(KEYS, json!({"secretRef": secret})),
        bad(KEYS, json!({"secretRef": secret, "inline": "{}"}), ONE),
        bad(KEYS, json!({}), ONE),
        good(KEYS, published("https://id.acme.example/.well-known/jwks.json")),
        good(KEYS, published("http://keycloak.id.svc:8080/realms/eng/protocol/openid-connect/certs?kid=a")),
        bad(KEYS, json!({"remote": {"url": "https://id.acme.example/keys"}, "inline": "{}"}), ONE),
        bad(KEYS, json!({"remote": {"url": "https://id.acme.example/keys"}, "secretRef": secret}), ONE),
        bad(KEYS, json!({"remote": {}}), "Required value").seen_at("authentication.jwt.0.jwks.remote.url"),
        refused("id.acme.example/keys", URL),
        refused("file:///etc/passwd", URL),
        refused("https:///keys", URL),
        refused("https://a:b@id.acme.example/keys", USER),
        refused("https://id.acme.example/keys#one", "must not have a fragment: it is never sent"),
        refused(&format!("https://id.acme.example/{}", "a".repeat(2048)), "Too long"),
        bad(KEYS, json!({"inline": "a".repeat(65_537)}), "Too long").seen_at("authentication.jwt.0.jwks.inline"),
        good(CLAIMS, claims(32)),
        bad(CLAIMS, claims(33), "must have at most 32 items"),
        bad(CLAIMS, json!({"a.b": "c"}), NAMES),
        bad(CLAIMS, json!({"": "c"}), NAMES),
    ]
}

fn authorization() -> Vec<Case> {
    let rule = |n: usize| json!({"name": format!("r{n}"), "action": "Deny", "when": "x".repeat(4096), "tools": vec!["a*"; 64]});
    let rules = |count: usize| json!((0..count).map(rule).collect::<Vec<_>>());
    vec![
        good("authorization", json!({})),
        good("authorization.default", "Allow"),
        bad("authorization.default", "RequireApproval", "Unsupported value"),
        good("authorization.rules", rules(64)),
        bad("authorization.rules", rules(65), "must have at most 64 items"),
        bad("authorization.rules", json!([rule(0), rule(0)]), "Duplicate value").seen_at("authorization.rules.1"),
        bad("authorization.rules.0.name", "no prod", "should match"),
        bad("authorization.rules.0.action", "RequireApproval", "Unsupported value"),
        bad("authorization.rules.0.action", Value::Null, "Required value"),
        bad("authorization.rules.0.when", "x".repeat(4097), "Too long"),
        bad("authorization.rules.0.when", "", "should be at least 1 chars long"),
        bad("authorization.rules.0.tools", json!(vec!["a"; 65]), "must have at most 64 items"),
    ]
}

fn rate_limits() -> Vec<Case> {
    const WINDOW: &str = "must be from 1s to 24h";
    const KEY: &str = "rateLimits.0.key";
    let limit = |n: usize| json!({"name": format!("l{n}"), "requests": 1, "window": "1s"});
    let limits = |count: usize| json!((0..count).map(limit).collect::<Vec<_>>());
    vec![
        good("rateLimits", limits(64)),
        bad("rateLimits", limits(65), "must have at most 64 items"),
        bad("rateLimits", json!([limit(0), limit(0)]), "Duplicate value").seen_at("rateLimits.1"),
        good(KEY, json!(["identity.issuer", "identity.claims.team", "tool.server", "request.host"])),
        bad(KEY, json!(["a", "b", "c", "d", "e"]), "must have at most 4 items"),
        bad(KEY, json!(["identity"]), "should match").seen_at("rateLimits.0.key.0"),
        bad(KEY, json!(["arguments.branch"]), "should match").seen_at("rateLimits.0.key.0"),
        good("rateLimits.0.requests", 1_000_000_000),
        bad("rateLimits.0.requests", 1_000_000_001, "less than or equal to"),
        bad("rateLimits.0.requests", 0, "greater than or equal to 1"),
        good("rateLimits.0.burst", Value::Null),
        bad("rateLimits.0.burst", 0, "greater than or equal to 1"),
        good("rateLimits.0.window", "24h"),
        bad("rateLimits.0.window", "24h1s", WINDOW),
        bad("rateLimits.0.window", "0s", WINDOW),
        bad("rateLimits.0.window", "1d", "should match"),
    ]
}

fn limits() -> Vec<Case> {
    const SIZE: &str = "must be a size from 1Ki to 1Gi";
    vec![
        good("limits", json!({"requestBytes": 1024, "responseBytes": "1Gi"})),
        good("limits.requestBytes", "1e6"),
        good("limits.requestBytes", "1.5Mi"),
        bad("limits.requestBytes", 1023, SIZE),
        bad("limits.requestBytes", "1", SIZE),
        bad("limits.requestBytes", "2Gi", SIZE),
        bad("limits.responseBytes", 1_073_741_825, SIZE),
        bad("limits.responseBytes", "1MB", "should match"),
        bad("limits.responseBytes", true, "must be of type"),
    ]
}
