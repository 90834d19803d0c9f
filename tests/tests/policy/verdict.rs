//! What rules and limits decide.

use std::collections::BTreeSet;

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, policy, route, server};
use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn the_list_and_the_call_are_one_verdict_for_each_principal() -> anyhow::Result<()> {
    let spec = json!({"authorization": {"rules": [
        {"name": "readers", "action": "Allow", "when": "\"eng\" in identity.claims.groups", "tools": ["*_read"]},
        {"name": "writers", "action": "Allow", "when": "\"ops\" in identity.claims.groups"},
        {"name": "never", "action": "Deny", "tools": ["alpha_wipe"]},
    ]}});
    let world = World::start(&spec, &[]).await?;
    let cases: [(&str, Value, &[&str]); 4] = [
        ("ann", json!({"groups": ["eng"]}), &["alpha_read"]),
        ("bob", json!({"groups": ["ops"]}), &["alpha_read", "alpha_write"]),
        ("eve", json!({"groups": ["engineers"]}), &[]),
        ("mal", json!({"groups": "eng,ops"}), &[]),
    ];
    for (subject, claims, visible) in cases {
        let agent = world.agent(subject, &claims)?;
        let listed = agent.page(None).await?;
        if visible.is_empty() {
            // Identity alone may have decided: either nothing is listed, or the door is shut.
            assert!(
                listed.status == StatusCode::FORBIDDEN || agent.names().await?.is_empty(),
                "{subject}: {}",
                listed.text()
            );
        } else {
            assert_eq!(agent.names().await?, visible, "{subject}");
        }
        for name in ["alpha_read", "alpha_write", "alpha_wipe"] {
            let reply = agent.call(name, "{}").await?;
            let allowed = reply.status == StatusCode::OK && reply.code().is_none();
            assert_eq!(allowed, visible.contains(&name), "{subject} {name}: {}", reply.text());
        }
    }
    let names: BTreeSet<_> =
        world.server.saw("tools/call").iter().map(|seen| seen.json()["params"]["name"].to_string()).collect();
    assert_eq!(names, BTreeSet::from([r#""read""#.to_owned(), r#""write""#.to_owned()]), "wipe never arrived");
    Ok(())
}

#[tokio::test]
async fn rules_read_arguments_and_only_annotations_that_somebody_vouches_for() -> anyhow::Result<()> {
    let spec = json!({"authorization": {"rules": [
        {"name": "safe", "action": "Allow", "when": "tool.annotations.readOnlyHint"},
        {"name": "small", "action": "Allow", "when": "arguments.amount <= 10"},
        {"name": "main", "action": "Deny", "when": "arguments.?branch.orValue(\"\") == \"main\""},
    ]}});
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    // The server claims readOnlyHint for read, but nobody vouches for it.
    for (tool, arguments, allowed) in [
        ("alpha_read", "{}", false),
        ("alpha_read", r#"{"amount":10}"#, true),
        ("alpha_read", r#"{"amount":11}"#, false),
        ("alpha_read", r#"{"amount":"10"}"#, false),
        ("alpha_write", r#"{"amount":1,"branch":"main"}"#, false),
        ("alpha_write", r#"{"amount":1,"branch":"dev"}"#, true),
        // Two readers could take this differently: what is judged is what the server reads, or it is refused.
        ("alpha_write", r#"{"amount":1,"branch":"dev","branch":"main"}"#, false),
        ("alpha_write", r#"{"amount":1,"br\u0061nch":"main"}"#, false),
    ] {
        let reply = ann.call(tool, arguments).await?;
        let passed = reply.status == StatusCode::OK && reply.code().is_none();
        assert_eq!(passed, allowed, "{tool} {arguments}: {}", reply.text());
    }
    let trusted = json!({"spec": {"trust": {"annotations": [{"tools": ["re*"], "readOnlyHint": true}]}}});
    world.gateway.apply(&merged(server("alpha", &world.server.url()), &trusted))?;
    eventually("the trusted hint holds", async || {
        let reply = ann.call("alpha_read", "{}").await.ok()?;
        (reply.status == StatusCode::OK && reply.code().is_none()).then_some(())
    })
    .await;
    assert_ne!(ann.call("alpha_write", "{}").await?.code(), None, "for the other tool nobody vouches");
    Ok(())
}

#[tokio::test]
async fn the_route_and_the_server_must_both_allow_each_in_its_own_names() -> anyhow::Result<()> {
    let on_route =
        json!({"authorization": {"rules": [{"name": "r", "action": "Allow", "tools": ["alpha_read", "alpha_write"]}]}});
    let on_server = json!({"authorization": {"rules": [{"name": "s", "action": "Allow", "when": "tool.name in [\"read\", \"wipe\"]"}]}});
    let world = World::start(&on_route, &[policy("on-server", "McpServer/alpha", &on_server)]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.names().await?, ["alpha_read"]);
    assert_eq!(ann.call("alpha_read", "{}").await?.tool_text(), "done");
    for name in ["alpha_write", "alpha_wipe"] {
        assert_eq!(ann.call(name, "{}").await?.code(), Some(-32602), "{name}");
    }
    assert_eq!(world.server.saw("tools/call").len(), 1);
    Ok(())
}

#[tokio::test]
async fn in_mode_audit_nothing_is_blocked_and_everything_is_written_down() -> anyhow::Result<()> {
    let spec = json!({
        "mode": "Audit",
        "authorization": {"rules": [{"name": "readers", "action": "Allow", "tools": ["alpha_read"]}]},
        "rateLimits": [{"name": "once", "key": ["tool.name"], "requests": 1, "window": "1h"}],
    });
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.call("alpha_write", "{}").await?.tool_text(), "done");
    for _ in 0..2 {
        assert_eq!(ann.call("alpha_read", "{}").await?.tool_text(), "done");
    }
    let denied = world.gateway.audited("would deny", |line| line["verdict"] == "would_deny").await;
    assert_eq!((&denied["tool"], &denied["status"]), (&json!("alpha_write"), &json!(200)));
    assert!(denied["policy"].as_str().is_some_and(|name| name.ends_with("gate")), "{denied}");
    let limited = world.gateway.audited("would limit", |line| line["verdict"] == "would_limit").await;
    assert_eq!((&limited["rule"], &limited["tool"]), (&json!("once"), &json!("alpha_read")));
    assert_eq!(
        Agent::modern(&world.gateway, "/mcp").page(None).await?.status,
        StatusCode::UNAUTHORIZED,
        "authentication holds"
    );
    Ok(())
}

#[tokio::test]
async fn each_key_of_a_rate_limit_has_its_own_count() -> anyhow::Result<()> {
    let spec = json!({"rateLimits": [
        {"name": "per-user-tool", "key": ["identity.subject", "tool.name"], "requests": 2, "window": "1h"},
        {"name": "per-team", "key": ["identity.claims.team"], "requests": 5, "window": "1h"},
    ]});
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({"team": "a"}))?;
    let bob = world.agent("bob", &json!({"team": "a"}))?;
    let cleo = world.agent("cleo", &json!({"team": "b"}))?;
    let calls = [
        (&ann, "alpha_read", None),
        (&ann, "alpha_read", None),
        (&ann, "alpha_read", Some("per-user-tool")),
        (&ann, "alpha_write", None),
        (&bob, "alpha_read", None),
        (&bob, "alpha_write", None),
        (&bob, "alpha_wipe", Some("per-team")),
        (&cleo, "alpha_read", None),
    ];
    for (number, (agent, tool, limited)) in calls.into_iter().enumerate() {
        let reply = agent.call(tool, "{}").await?;
        match limited {
            None => assert_eq!(reply.tool_text(), "done", "{number}: {}", reply.text()),
            Some(name) => {
                assert_eq!((reply.status.as_u16(), reply.code()), (429, Some(-31429)), "{number}: {}", reply.text());
                assert!(reply.text().contains(name), "{number}: {}", reply.text());
                assert!(reply.header("retry-after").is_some());
            }
        }
    }
    assert_eq!(world.server.saw("tools/call").len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_policy_on_a_server_limits_and_denies_through_every_route() -> anyhow::Result<()> {
    let on_server = json!({"rateLimits": [{"name": "one", "requests": 1, "window": "1h"}]});
    let world = World::start(
        &json!({}),
        &[route("open", "/open", &["alpha"]), policy("on-server", "McpServer/alpha", &on_server)],
    )
    .await?;
    assert_eq!(world.agent("ann", &json!({}))?.call("alpha_read", "{}").await?.tool_text(), "done");
    let reply = Agent::modern(&world.gateway, "/open").call("alpha_read", "{}").await?;
    assert_eq!((reply.status.as_u16(), reply.code()), (429, Some(-31429)), "{}", reply.text());
    Ok(())
}

#[tokio::test]
async fn a_withdrawn_permission_is_gone_at_once() -> anyhow::Result<()> {
    let allow = json!({"authorization": {"rules": [{"name": "all", "action": "Allow"}]}});
    let world = World::start(&allow, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.call("alpha_write", "{}").await?.tool_text(), "done");
    let readers = json!({
        "authentication": {"jwt": world.issuer.jwt()},
        "authorization": {"rules": [{"name": "readers", "action": "Allow", "tools": ["alpha_read"]}]},
    });
    world.gateway.apply(&policy("gate", "McpRoute/eng", &readers))?;
    ann.lists(&["alpha_read"]).await;
    assert_eq!(ann.call("alpha_write", "{}").await?.code(), Some(-32602), "the call as the list");
    Ok(())
}
