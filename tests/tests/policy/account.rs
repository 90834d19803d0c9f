//! What is written down of a decision, and what never is.

use std::collections::BTreeSet;

use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, secret, server};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use serde_json::{Value, json};

use super::World;

/// Every field of api.md's audit record, and no other.
const FIELDS: [&str; 15] = [
    "arguments_digest",
    "code",
    "duration_us",
    "generation",
    "method",
    "policy",
    "principal",
    "route",
    "rule",
    "server",
    "status",
    "time",
    "tool",
    "trace_id",
    "verdict",
];

#[tokio::test]
async fn every_decision_is_one_line_of_exactly_these_fields() -> anyhow::Result<()> {
    let deny = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "no-main", "action": "Deny", "when": "arguments.?branch.orValue(\"\") == \"main\""},
    ]}});
    let world = World::start(&deny, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    // The probe that waited for the world to settle has lines of its own, which may still be on their way.
    let ours = |lines: Vec<Value>| -> Vec<Value> {
        let probe = |line: &Value| line["principal"].as_str().is_some_and(|who| who.ends_with("#probe"));
        lines.into_iter().filter(|line| !probe(line)).collect()
    };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    ann.send(&ann.calling("alpha_read", r#"{"text":"x"}"#).with("traceparent", &parent)).await?;
    ann.call("alpha_read", r#"{"branch":"main"}"#).await?;
    ann.call("alpha_nothing", "{}").await?;
    ann.page(None).await?;
    Agent::modern(&world.gateway, "/mcp").call("alpha_read", "{}").await?;
    ann.send(&ann.calling("alpha_read", "{}").body("{")).await?;
    let lines =
        eventually("six lines", async || world.gateway.audit().ok().map(ours).filter(|lines| lines.len() >= 6)).await;
    let lines = &lines[..];
    assert_eq!(lines.len(), 6, "one line each: {lines:#?}");
    for line in lines {
        let fields: Vec<_> = line.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect();
        assert_eq!(fields.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(FIELDS), "{line}");
        assert_eq!(line["route"], "default/eng", "{line}");
    }
    let verdicts: Vec<_> =
        lines.iter().map(|line| (line["verdict"].as_str().unwrap_or_default(), line["status"].as_u64())).collect();
    let expected =
        [("allow", 200), ("deny", 403), ("invalid", 200), ("allow", 200), ("unauthenticated", 401), ("invalid", 400)];
    assert_eq!(verdicts, expected.map(|(verdict, status)| (verdict, Some(status))));
    let call = &lines[0];
    assert_eq!(
        (&call["trace_id"], &call["tool"], &call["method"]),
        (&json!(trace), &json!("alpha_read"), &json!("tools/call"))
    );
    assert_eq!((&call["server"], &call["principal"]), (&json!("default/alpha"), &json!("https://issuer.example#ann")));
    assert!(call["arguments_digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{call}");
    assert!(
        world.server.sees("tools/call").await.header("traceparent").contains(trace),
        "the server joins the same trace"
    );
    Ok(())
}

#[tokio::test]
async fn a_trace_that_only_the_metadata_names_is_joined_too() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ann = world.agent("ann", &json!({}))?;
    let context = format!(r#""_meta":{{"traceparent":"00-{trace}-00f067aa0ba902b7-01","tracestate":"vendor=1","#);
    ann.send(&ann.calling("alpha_read", "{}").edit(r#""_meta":{"#, &context)).await?;
    let call = world.server.sees("tools/call").await;
    assert!(call.header("traceparent").contains(trace), "{}", call.header("traceparent"));
    assert_eq!(call.header("tracestate"), "vendor=1");
    let meta = call.json()["params"]["_meta"].clone();
    assert!(meta["traceparent"].as_str().is_some_and(|parent| parent.contains(trace)), "{meta}");
    assert!(!meta["traceparent"].as_str().unwrap_or_default().contains("00f067aa0ba902b7"), "a span of ours: {meta}");
    assert_eq!(meta["tracestate"], "vendor=1");
    world.gateway.audited("the call", |line| line["trace_id"] == trace).await;
    Ok(())
}

#[tokio::test]
async fn no_token_argument_or_secret_is_ever_written_or_passed_on() -> anyhow::Result<()> {
    let credential =
        json!({"spec": {"credentials": {"header": {"name": "X-Key", "secretRef": {"name": "key", "key": "value"}}}}});
    let recorder = Recorder::start(Speaks::Legacy, &[tool("read")]).await?;
    let further = [secret("key", "value", "canary-secret"), merged(server("alpha", &recorder.url()), &credential)];
    // Everything is logged that can be, the access log included.
    let world = World::start_in(&json!({}), &further, &[("PORTOLAN_LOG", "trace")]).await?;
    let token = world.issuer.token_with("ann", &json!({"note": "canary-claim"}))?;
    let signature = token.rsplit('.').next().unwrap_or_default().to_owned();
    let modern = Agent::modern(&world.gateway, "/mcp").with_token(&token);
    let legacy = modern.clone().initialized().await?;
    for agent in [&modern, &legacy] {
        let request =
            agent.calling("alpha_read", r#"{"text":"canary-argument"}"#).with("x-forwarded-for", "canary-header");
        let request = request.with("cookie", format!("token={token}")).and("connection", "close");
        agent.send(&request).await?;
        agent.call("canary-name", "{}").await?;
        agent.send(&agent.request("canary-method", "{}")).await?;
        agent.send(&agent.calling("alpha_read", "{}").body(r#"{"canary-broken""#)).await?;
    }
    legacy.delete().await?;
    let seen: String = recorder.seen().iter().map(portolan_tests::recorder::Seen::everything).collect();
    assert!(
        seen.contains("canary-argument") && seen.contains("canary-secret"),
        "what belongs to the server reaches it"
    );
    for canary in [signature.as_str(), "canary-claim", "canary-header", "authorization"] {
        assert!(!seen.contains(canary), "{canary} reached a server: {seen}");
    }
    let pages = [world.gateway.admin("/metrics").await?.text(), world.gateway.admin("/config").await?.text()];
    let written = [world.gateway.process.stdout(), world.gateway.process.stderr(), world.gateway.audit_text()];
    let session = legacy.session.unwrap_or_default();
    for target in [r#""target":"access""#, r#""level":"DEBUG""#] {
        assert!(written[1].contains(target), "the log has {target}");
    }
    for text in pages.iter().chain(&written) {
        for canary in
            [&signature, &session, "canary-claim", "canary-argument", "canary-secret", "canary-header", "canary-broken"]
        {
            assert!(!text.contains(canary), "{canary} is written in {text}");
        }
    }
    assert!(!pages[0].contains("canary"), "no agent names a series: {}", pages[0]);
    Ok(())
}

#[tokio::test]
async fn metrics_count_by_route_server_and_tool() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    world.agent("ann", &json!({}))?.call("alpha_read", "{}").await?;
    let page = eventually("the call is counted", async || {
        let page = world.gateway.admin("/metrics").await.ok()?.text();
        page.lines().any(|line| line.contains("alpha_read")).then_some(page)
    })
    .await;
    for line in page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        assert!(line.starts_with("portolan_"), "{line}");
    }
    assert!(page.contains("default/eng") && page.contains("default/alpha"), "{page}");
    Ok(())
}
