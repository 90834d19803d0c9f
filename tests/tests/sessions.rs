//! Older clients' sessions: good for one principal on one route until they end, here and on their servers.

use http::{Method, StatusCode};
use portolan_tests::agent::Agent;
use portolan_tests::eventually::{eventually, within};
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::{policy, route, server};
use portolan_tests::recorder::{Answer, Recorder, Speaks, tool};
use portolan_tests::request::{LEGACY, Request};
use portolan_tests::standalone::Standalone;
use serde_json::json;

/// A gateway with two routes to one server, open to whom an issuer vouches for.
struct World {
    gateway: Standalone,
    server: Recorder,
    ann: Agent,
    bob: Agent,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let recorder = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
        let authentication = json!({"authentication": {"jwt": issuer.jwt()}});
        let objects = [
            server("alpha", &recorder.url()),
            route("eng", "/mcp", &["alpha"]),
            route("other", "/other", &["alpha"]),
            policy("auth", "McpRoute/eng", &authentication),
            policy("auth-other", "McpRoute/other", &authentication),
        ];
        let gateway = Standalone::start(&objects).await?;
        let agent =
            |subject| Ok::<_, anyhow::Error>(Agent::modern(&gateway, "/mcp").with_token(&issuer.token(subject)?));
        let (ann, bob) = (agent("ann")?, agent("bob")?);
        ann.lists(&["alpha_echo"]).await;
        Ok(Self { ann: ann.initialized().await?, bob, gateway, server: recorder })
    }
}

/// All that can be done with a session: a call, a stream and its end.
fn uses(agent: &Agent) -> [Request; 4] {
    let end = Request::get(&agent.path)
        .by(Method::DELETE)
        .with("mcp-session-id", agent.session.as_deref().unwrap_or_default());
    [
        agent.calling("alpha_echo", "{}"),
        agent.request("ping", "{}"),
        agent.listening(),
        end.token(agent.token.as_deref()),
    ]
}

#[tokio::test]
async fn a_session_is_good_for_nobody_but_its_principal() -> anyhow::Result<()> {
    let world = World::start().await?;
    let thief = Agent { session: world.ann.session.clone(), ..world.bob.clone() };
    world.server.forget();
    for request in uses(&thief) {
        let reply = world.gateway.send(&request).await?;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{} {}", request.method, reply.text());
    }
    assert!(world.server.seen().is_empty(), "nothing reached the server");
    assert_eq!(world.ann.call("alpha_echo", "{}").await?.tool_text(), "done", "the owner's goes on");
    Ok(())
}

#[tokio::test]
async fn a_session_is_good_on_no_route_but_its_own() -> anyhow::Result<()> {
    let world = World::start().await?;
    let elsewhere = Agent { path: "/other".to_owned(), ..world.ann.clone() };
    elsewhere.clone().initialized().await?;
    world.server.forget();
    for request in uses(&elsewhere) {
        let reply = world.gateway.send(&request).await?;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{} {}", request.method, reply.text());
    }
    assert!(world.server.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_session_id_with_one_character_changed_is_none() -> anyhow::Result<()> {
    let world = World::start().await?;
    let good = world.ann.session.clone().unwrap_or_default();
    world.server.forget();
    let mut tampered: Vec<String> = (0..good.len())
        .step_by(good.len() / 40 + 1)
        .map(|at| {
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            format!("{}{other}{}", &good[..at], &good[at + 1..])
        })
        .collect();
    tampered.extend([
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}{good}"),
        "x".to_owned(),
        "v1.0.AAAA".to_owned(),
    ]);
    for session in tampered {
        let agent = Agent { session: Some(session.clone()), ..world.ann.clone() };
        let reply = agent.call("alpha_echo", "{}").await?;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{session}: {}", reply.text());
    }
    assert!(world.server.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_session_id_says_nothing_of_what_is_behind_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let id = world.ann.session.clone().unwrap_or_default();
    assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "visible ASCII: {id}");
    let upstream = world.server.seen().iter().map(|seen| seen.header("mcp-session-id")).find(|id| !id.is_empty());
    let upstream = upstream.unwrap_or_default();
    assert!(!upstream.is_empty() && !id.contains(&upstream) && !id.contains("127.0.0.1"), "{id}");
    let second = world.ann.clone().initialized().await?;
    assert_ne!(second.session, world.ann.session);
    Ok(())
}

#[tokio::test]
async fn an_ended_session_is_404_and_is_ended_on_its_server() -> anyhow::Result<()> {
    let world = World::start().await?;
    let other = world.ann.clone().initialized().await?;
    world.ann.call("alpha_echo", "{}").await?;
    let upstream = world.server.sees("tools/call").await.header("mcp-session-id");
    let ended = world.ann.delete().await?;
    assert!(ended.status.is_success(), "{}", ended.status);
    for request in uses(&world.ann) {
        assert_eq!(world.gateway.send(&request).await?.status, StatusCode::NOT_FOUND, "{}", request.method);
    }
    eventually("the server's session is ended", async || {
        let seen = world.server.seen();
        seen.iter().any(|seen| seen.method == Method::DELETE && seen.header("mcp-session-id") == upstream).then_some(())
    })
    .await;
    assert_eq!(other.call("alpha_echo", "{}").await?.tool_text(), "done", "another session goes on");
    Ok(())
}

#[tokio::test]
async fn a_session_that_its_server_lost_is_404_so_that_the_client_begins_again() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.ann.call("alpha_echo", "{}").await?;
    world.server.lose_sessions();
    assert_eq!(world.ann.call("alpha_echo", "{}").await?.status, StatusCode::NOT_FOUND);
    let again = world.ann.clone().initialized().await?;
    assert_eq!(again.call("alpha_echo", "{}").await?.tool_text(), "done");
    Ok(())
}

#[tokio::test]
async fn a_session_that_its_server_lost_before_it_was_used_is_opened_anew() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.lose_sessions();
    world.server.forget();
    for _ in 0..2 {
        assert_eq!(world.ann.call("alpha_echo", "{}").await?.tool_text(), "done");
    }
    let opened = world.server.saw("initialize");
    assert_eq!(opened.len(), 1, "once, however many calls need it");
    assert_eq!(opened[0].json()["params"]["clientInfo"]["name"], "t", "for the same client");
    let sessions: Vec<_> = world.server.saw("tools/call").iter().map(|seen| seen.header("mcp-session-id")).collect();
    assert_eq!(sessions.len(), 3, "one was refused: {sessions:?}");
    assert_ne!(sessions[0], sessions[1]);
    assert_eq!(sessions[1], sessions[2]);
    world.ann.delete().await?;
    eventually("the session that is ended is the new one", async || {
        let seen = world.server.seen();
        let deleted = seen.iter().find(|seen| seen.method == Method::DELETE)?;
        (deleted.header("mcp-session-id") == sessions[1]).then_some(())
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn calls_that_lose_an_unused_session_together_open_one() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.lose_sessions();
    world.server.forget();
    let calls = (0..8).map(|_| world.ann.call("alpha_echo", "{}"));
    for reply in futures::future::join_all(calls).await {
        let reply = reply?;
        assert_eq!((reply.status, reply.tool_text().as_str()), (StatusCode::OK, "done"), "{}", reply.text());
    }
    assert_eq!(world.server.saw("initialize").len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_opened_anew_is_used_and_so_not_opened_again() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.lose_sessions();
    assert_eq!(world.ann.call("alpha_echo", "{}").await?.tool_text(), "done");
    world.server.lose_sessions();
    world.server.forget();
    assert_eq!(world.ann.call("alpha_echo", "{}").await?.status, StatusCode::NOT_FOUND);
    assert!(world.server.saw("initialize").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_call_that_may_have_run_has_used_its_session() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.answer("echo", Answer::Cut);
    assert!(world.ann.call("alpha_echo", "{}").await?.is_tool_error());
    world.server.lose_sessions();
    assert_eq!(world.ann.call("alpha_echo", "{}").await?.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_modern_clients_call_survives_a_lost_session_of_the_server() -> anyhow::Result<()> {
    let world = World::start().await?;
    assert_eq!(world.bob.call("alpha_echo", "{}").await?.tool_text(), "done");
    world.server.lose_sessions();
    assert_eq!(world.bob.call("alpha_echo", "{}").await?.tool_text(), "done");
    let gone = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;
    world.server.answer("echo", Answer::Http(404, Vec::new(), gone.to_owned()));
    world.server.forget();
    let reply = world.bob.call("alpha_echo", "{}").await?;
    assert!(reply.is_tool_error(), "there is no session that it could begin again: {}", reply.text());
    assert_eq!(world.server.saw("tools/call").len(), 2, "once more, and no further");
    Ok(())
}

#[tokio::test]
async fn principals_never_share_a_session_of_a_server() -> anyhow::Result<()> {
    let world = World::start().await?;
    let modern_ann = Agent { session: None, ..world.ann.clone() };
    world.server.forget();
    for agent in [&modern_ann, &world.bob, &modern_ann, &world.bob] {
        agent.call("alpha_echo", "{}").await?;
    }
    let calls = world.server.saw("tools/call");
    let sessions: Vec<_> = calls.iter().map(|seen| seen.header("mcp-session-id")).collect();
    assert_ne!(sessions[0], sessions[1], "two principals, two sessions");
    assert_eq!((&sessions[0], &sessions[1]), (&sessions[2], &sessions[3]), "each keeps its own");
    Ok(())
}

#[tokio::test]
async fn a_server_that_missed_the_beginning_is_absent_and_says_how_to_get_it() -> anyhow::Result<()> {
    let slow = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
    let fast = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
    let objects = [server("slow", &slow.url()), server("fast", &fast.url()), route("eng", "/mcp", &["slow", "fast"])];
    let gateway = Standalone::start(&objects).await?;
    Agent::modern(&gateway, "/mcp").lists(&["slow_echo", "fast_echo"]).await;
    slow.answer_initialize(Answer::Hang);
    let agent = within("a session without the slow server", Agent::legacy(&gateway, "/mcp")).await?;
    slow.forget();
    let reply = agent.call("slow_echo", "{}").await?;
    assert!(reply.is_tool_error(), "{}", reply.text());
    assert!(reply.text().contains("slow") && reply.text().contains("new session"), "{}", reply.text());
    assert!(slow.saw("tools/call").is_empty());
    assert_eq!(agent.call("fast_echo", "{}").await?.tool_text(), "done");
    Ok(())
}

#[tokio::test]
async fn a_sessions_own_stream_opens_and_ends_with_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut stream = world.ann.stream(&world.ann.listening()).await?;
    assert!(world.ann.delete().await?.status.is_success());
    within("the stream ends", async {
        while stream.bytes().await?.is_some() {}
        Ok::<_, anyhow::Error>(())
    })
    .await
}

#[tokio::test]
async fn a_legacy_message_without_its_session_or_of_another_revision_is_400() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.forget();
    let good = world.ann.calling("alpha_echo", "{}");
    let cases = [
        ("no session", good.clone().without("mcp-session-id")),
        ("no session, no revision", good.clone().without("mcp-session-id").without("mcp-protocol-version")),
        ("two sessions", good.clone().and("mcp-session-id", world.ann.session.as_deref().unwrap_or_default())),
        ("another revision", good.clone().with("mcp-protocol-version", "2025-06-18")),
        (
            "an answer without a session",
            good.clone().without("mcp-session-id").body(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        ),
    ];
    for (what, request) in cases {
        let reply = world.gateway.send(&request).await?;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what}: {}", reply.text());
    }
    assert!(world.server.seen().is_empty());
    let silent = world.gateway.send(&good.without("mcp-protocol-version")).await?;
    assert_eq!(silent.tool_text(), "done", "the session knows its revision");
    Ok(())
}

#[tokio::test]
async fn an_older_client_is_answered_in_a_revision_with_sessions() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (asked, agreed) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("2026-07-28", LEGACY),
        ("2031-01-01", LEGACY),
    ] {
        let request = Request::initialize("/mcp", asked).token(world.ann.token.as_deref());
        let reply = world.gateway.send(&request).await?;
        assert_eq!(reply.json()["result"]["protocolVersion"], agreed, "{asked}: {}", reply.text());
        assert!(reply.json()["result"].get("resultType").is_none());
    }
    Ok(())
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_lives() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut stream = world.ann.stream(&world.ann.listening()).await?;
    let bytes = within("a comment", stream.bytes()).await?.unwrap_or_default();
    assert!(bytes.starts_with(b":"), "a comment, which clients ignore: {bytes:?}");
    Ok(())
}
