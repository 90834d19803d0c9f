//! Who may not: hidden tools, other sites, tokens, rules and rates.

use http::StatusCode;
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::{merged, policy, route, server};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::request::{LEGACY, Request};
use serde_json::json;

use super::{World, call};

#[tokio::test]
async fn a_hidden_tool_is_refused_like_one_that_does_not_exist() -> anyhow::Result<()> {
    let rule = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "nobody", "action": "Deny", "tools": ["beta_forbidden"]},
    ]}});
    let beta = Recorder::start(Speaks::Both, &[tool("forbidden"), tool("open")]).await?;
    let world = World::with(&[
        server("beta", &beta.url()),
        merged(
            route("eng", "/mcp", &["alpha", "beta"]),
            &json!({"spec": {"servers": [
                {"name": "alpha", "serverRef": {"name": "alpha"}, "tools": {"exclude": ["hidden"]}},
                {"name": "beta", "serverRef": {"name": "beta"}},
            ]}}),
        ),
        policy("gate", "McpRoute/eng", &rule),
    ])
    .await?;
    world.modern().lists(&["alpha_echo", "beta_open"]).await;
    let legacy = world.legacy().await?;
    world.server.forget();
    beta.forget();
    for agent in [world.modern(), legacy] {
        let mut told = Vec::new();
        for name in ["alpha_hidden", "beta_forbidden", "alpha_nothing", "hidden", "echo", "ALPHA_ECHO"] {
            let reply = world.refused(name, &agent.calling(name, "{}"), 200, Some(-32602)).await;
            told.push(reply.text().replace(name, "NAME"));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "nothing tells them apart: {told:?}");
    }
    world.nothing_leaked();
    assert!(beta.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_of_this_host_are_403() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let port = world.address().port();
    let evil = [
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://127.0.0.1/x",
        "",
    ];
    for origin in evil {
        world.refused(origin, &call().with("origin", origin), 403, None).await;
    }
    let two = call().with("origin", "http://localhost").and("origin", "https://evil.example");
    world.refused("two origins", &two, 403, None).await;
    for host in ["evil.example", "localhost.evil.example", "169.254.169.254"] {
        world.refused(host, &call().with("host", host), 403, None).await;
    }
    world.nothing_leaked();
    for (name, value) in [("origin", format!("http://localhost:{port}")), ("host", format!("localhost:{port}"))] {
        assert_eq!(world.gateway.send(&call().with(name, &value)).await?.status, StatusCode::OK, "{value}");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_no_good_token_is_told_where_to_get_one() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let authentication =
        json!({"authentication": {"jwt": issuer.jwt(), "resourceMetadata": {"scopesSupported": ["mcp:use"]}}});
    let world = World::with(&[policy("auth", "McpRoute/eng", &authentication)]).await?;
    world.modern().with_token(&issuer.token("ann")?).lists(&["alpha_echo"]).await;
    world.server.forget();
    let none = world.refused("no token", &call(), 401, None).await;
    let bad = world.refused("a bad token", &call().token(Some("nonsense")), 401, None).await;
    let challenge = none.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.starts_with("Bearer ") && !challenge.contains("error="), "{challenge}");
    let told = bad.header("www-authenticate").unwrap_or_default();
    assert!(told.contains(r#"error="invalid_token""#) && told.contains(r#"scope="mcp:use""#), "{told}");
    let url =
        challenge.split(r#"resource_metadata=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let path = url.strip_prefix(&world.gateway.url("")).unwrap_or_else(|| panic!("{url} is of this gateway"));
    assert_eq!(path, "/.well-known/oauth-protected-resource/mcp");
    let document = world.gateway.send(&Request::get(path)).await?;
    assert_eq!(document.status, StatusCode::OK, "the document needs no token");
    assert_eq!(document.json()["resource"], world.gateway.url("/mcp"));
    assert_eq!(document.json()["authorization_servers"], json!(["https://issuer.example"]));
    assert_eq!(document.json()["scopes_supported"], json!(["mcp:use"]));
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/other"] {
        world.refused(path, &Request::get(path), 404, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_denied_call_names_the_policy_and_the_rule_and_nothing_else() -> anyhow::Result<()> {
    let rule = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "no-prod", "action": "Deny", "when": "arguments.branch == \"secret-branch\""},
    ]}});
    let world = World::with(&[policy("gate", "McpRoute/eng", &rule)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let legacy = world.legacy().await?;
    for (agent, status) in [(world.modern(), 403), (legacy, 200)] {
        let request = agent.calling("alpha_echo", r#"{"branch":"secret-branch"}"#);
        let reply = world.refused("denied", &request, status, Some(-31403)).await;
        assert!(reply.text().contains("gate") && reply.text().contains("no-prod"), "{}", reply.text());
        assert!(!reply.text().contains("branch"), "the expression stays inside: {}", reply.text());
        assert_eq!(reply.json()["id"], 1);
        // A Deny that cannot be evaluated denies.
        world.refused("no branch", &agent.calling("alpha_echo", "{}"), status, Some(-31403)).await;
    }
    world.nothing_leaked();
    let line = world.gateway.audited("the denial is audited", |line| line["verdict"] == "deny").await;
    assert_eq!((&line["rule"], &line["code"]), (&json!("no-prod"), &json!(-31403)));
    Ok(())
}

#[tokio::test]
async fn who_may_use_nothing_of_an_endpoint_is_403_at_the_door() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let spec = json!({
        "authentication": {"jwt": issuer.jwt()},
        "authorization": {"rules": [{"name": "ann", "action": "Allow", "when": "identity.subject == \"ann\""}]},
    });
    let world = World::with(&[policy("ann-only", "McpRoute/eng", &spec)]).await?;
    world.modern().with_token(&issuer.token("ann")?).lists(&["alpha_echo"]).await;
    world.server.forget();
    let bob = issuer.token("bob")?;
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = world.gateway.send(&request.token(Some(&bob))).await?;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text());
        assert!(reply.text().contains("ann-only"), "the policy is named: {}", reply.text());
        assert!(!reply.text().contains("subject"), "its expression is not: {}", reply.text());
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn over_the_rate_is_429_and_says_when_to_come_back() -> anyhow::Result<()> {
    let limits = json!({"rateLimits": [{"name": "two-an-hour", "requests": 2, "window": "1h"}]});
    let world = World::with(&[policy("slow-down", "McpRoute/eng", &limits)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let legacy = world.legacy().await?;
    for _ in 0..2 {
        assert_eq!(world.gateway.send(&call()).await?.status, StatusCode::OK);
    }
    world.server.forget();
    for request in [call(), legacy.calling("alpha_echo", "{}")] {
        let reply = world.refused("limited", &request, 429, Some(-31429)).await;
        let seconds: u64 = reply.header("retry-after").unwrap_or_default().parse()?;
        assert!((1..=1800).contains(&seconds), "half an hour at most: {seconds}");
        assert!(reply.text().contains("two-an-hour"), "{}", reply.text());
    }
    world.nothing_leaked();
    world.modern().names().await?;
    Ok(())
}
