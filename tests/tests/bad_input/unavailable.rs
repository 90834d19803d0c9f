//! What cannot be had now, and what servers say that no agent may read.

use std::net::SocketAddr;

use portolan_dataplane::config::ConfigSource;
use portolan_dataplane::drain::Times;
use portolan_dataplane::gateway::Gateway;
use portolan_dataplane::limits::Limits;
use portolan_dataplane::options::Settings;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, policy, route, server};
use portolan_tests::recorder::{Answer, RESULT, Recorder, Speaks, tool};
use portolan_tests::request::{LEGACY, Request};
use serde_json::json;

use super::{World, call};

/// What the servers of these tests say that no agent may read.
const WORDS: &str = "words-of-the-server";

#[tokio::test]
async fn an_answer_that_is_none_becomes_a_tool_error_with_the_servers_name_alone() -> anyhow::Result<()> {
    let limits = json!({"limits": {"responseBytes": "64Ki"}});
    let world = World::with(&[policy("small", "McpRoute/eng", &limits)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let http = |status, kind, text: &str| Answer::Http(status, vec![("content-type", kind)], text.to_owned());
    let wrong_id = RESULT.replace("$ID", "987654321").replace("done", WORDS);
    let answers = [
        ("500", http(500, "text/plain", WORDS)),
        ("401", http(401, "application/json", &format!(r#"{{"error":"{WORDS}"}}"#))),
        ("403 with a challenge", Answer::Http(403, vec![("www-authenticate", "Bearer")], WORDS.to_owned())),
        ("a redirect", Answer::Http(302, vec![("location", "http://169.254.169.254/")], String::new())),
        ("202 and nothing", http(202, "application/json", "")),
        ("204", http(204, "application/json", "")),
        ("a page", http(200, "text/html", &format!("<p>{WORDS}</p>"))),
        ("a result as text", http(200, "text/plain", RESULT)),
        ("compressed", Answer::Http(200, vec![("content-encoding", "gzip")], WORDS.to_owned())),
        ("no JSON", http(200, "application/json", WORDS)),
        ("half a message", http(200, "application/json", r#"{"jsonrpc":"2.0","id":"#)),
        ("an array", http(200, "application/json", &format!("[{RESULT}]"))),
        ("another's id", Answer::Json(wrong_id.clone())),
        ("the id as a string", Answer::Json(RESULT.replace("$ID", r#""$ID""#))),
        ("two results", Answer::Json(RESULT.replace(r#""result":"#, r#""result":{},"result":"#))),
        ("neither result nor error", Answer::Json(r#"{"jsonrpc":"2.0","id":$ID}"#.to_owned())),
        (
            "an error about our form",
            Answer::Json(format!(r#"{{"jsonrpc":"2.0","id":$ID,"error":{{"code":-32600,"message":"{WORDS}"}}}}"#)),
        ),
        ("too large", Answer::Huge(100_000)),
        ("cut", Answer::Cut),
        ("a stream without an answer", Answer::Events(vec![wrong_id])),
        ("an empty stream", Answer::Raw(String::new())),
        ("a stream of anything", Answer::Raw(format!("data: {WORDS}\n\n"))),
        ("an event without an end", Answer::Raw(format!("data: {RESULT}"))),
        ("an event of two messages", Answer::Raw(format!("data: {RESULT}{RESULT}\n\n"))),
        ("an event that is too large", Answer::Raw(format!("data: {}", "x".repeat(100_000)))),
        ("a stream that is too large", Answer::Raw(": comment\n".repeat(10_000))),
        ("input is required", Answer::Json(RESULT.replace("complete", "input_required"))),
    ];
    let port = world.server.address.port().to_string();
    let agents = [world.modern(), world.legacy().await?];
    for (what, answer) in answers {
        world.server.answer("echo", answer);
        for agent in &agents {
            let reply = agent.call("alpha_echo", "{}").await?;
            assert!(reply.is_tool_error(), "{what}: {} {}", reply.status, reply.text());
            let text = reply.text();
            assert!(text.contains("alpha"), "{what} names the server: {text}");
            assert!(!text.contains(&port) && !text.contains(WORDS) && !text.contains("169.254"), "{what}: {text}");
            assert!(reply.header("www-authenticate").is_none() && reply.header("location").is_none(), "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_gone_fails_its_calls_at_once_and_no_others() -> anyhow::Result<()> {
    let beta = Recorder::start(Speaks::Both, &[tool("echo")]).await?;
    let world = World::with(&[server("beta", &beta.url()), route("eng", "/mcp", &["alpha", "beta"])]).await?;
    world.modern().lists(&["alpha_echo", "alpha_hidden", "beta_echo"]).await;
    beta.stop();
    let agents = [world.modern(), world.legacy().await?];
    for agent in &agents {
        let reply = agent.call("beta_echo", "{}").await?;
        assert!(reply.is_tool_error() && reply.text().contains("beta"), "{} {}", reply.status, reply.text());
        assert!(!reply.text().contains("127.0.0.1"), "{}", reply.text());
        assert_eq!(agent.call("alpha_echo", "{}").await?.tool_text(), "done");
    }
    Ok(())
}

#[tokio::test]
async fn a_route_whose_policy_is_invalid_is_503_and_not_open() -> anyhow::Result<()> {
    let broken =
        json!({"authorization": {"rules": [{"name": "x", "action": "Allow", "when": "identity.nonsense == 1"}]}});
    let world = World::with(&[policy("broken", "McpRoute/eng", &broken), route("other", "/other", &["alpha"])]).await?;
    Agent::modern(&world.gateway, "/other").lists(&["alpha_echo", "alpha_hidden"]).await;
    world.server.forget();
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = world.refused("held", &request, 503, Some(-31503)).await;
        assert!(reply.header("retry-after").is_some());
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_call_more_than_a_server_may_have_is_503_and_says_when_to_come_back() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let one = merged(server("alpha", &world.server.url()), &json!({"spec": {"health": {"maxConcurrent": 1}}}));
    let before = world.gateway.admin("/config").await?.text();
    world.gateway.apply(&one)?;
    eventually("the bound is in force", async || {
        (world.gateway.admin("/config").await.ok()?.text() != before).then_some(())
    })
    .await;
    let legacy = world.legacy().await?;
    world.server.answer("echo", Answer::Hang);
    let address = world.address();
    let running = tokio::spawn(async move { call().send(address).await });
    world.server.sees("tools/call").await;
    world.server.forget();
    for request in [call(), legacy.calling("alpha_echo", "{}")] {
        let reply = world.refused("one more", &request, 503, Some(-31503)).await;
        assert!(reply.header("retry-after").is_some() && reply.text().contains("alpha"), "{}", reply.text());
    }
    world.nothing_leaked();
    running.abort();
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_has_no_configuration_yet_is_503() -> anyhow::Result<()> {
    let limits = Limits::default();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        name: "early".to_owned(),
        fleet: "default".to_owned(),
        listen: loopback,
        listen_tls_dir: None,
        admin: loopback,
        workers: 1,
        scheduling: Default::default(),
        data_dir: None,
        fleet_key: None,
        allow_origins: Vec::new(),
        allow_upstreams: Vec::new(),
        ready_file: None,
        audit_log: None,
        standalone: true,
        drain: Times::ALONE,
        limits,
    };
    let gateway = Gateway::start(settings, ConfigSource::operators(&[], None)?).await?;
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = request.send(gateway.listen).await?;
        assert_eq!((reply.status.as_u16(), reply.code()), (503, Some(-31503)), "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
    }
    gateway.run(std::future::ready(()), std::future::ready(())).await
}
