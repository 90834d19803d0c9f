//! Agents of either era before servers of either era: what of a message changes on the way, and that nothing else does.

mod answers;
mod cancelling;
mod requests;

use anyhow::Context;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::fixture::Fixture;
use portolan_tests::manifests::{route, server};
use portolan_tests::recorder::{Recorder, Seen, Speaks, tool};
use portolan_tests::standalone::Standalone;
use serde_json::json;

const ALL: [Speaks; 4] = [Speaks::Modern, Speaks::Legacy, Speaks::Sessionless, Speaks::Both];

/// A gateway before one recording server, and an agent of each era.
async fn before(speaks: Speaks) -> anyhow::Result<(Standalone, Recorder, [Agent; 2])> {
    before_tools(speaks, &[tool("echo")]).await
}

async fn before_tools(speaks: Speaks, tools: &[String]) -> anyhow::Result<(Standalone, Recorder, [Agent; 2])> {
    let recorder = Recorder::start(speaks, tools).await?;
    let gateway = Standalone::start(&[server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])]).await?;
    let modern = Agent::modern(&gateway, "/mcp");
    eventually("the server's tools are listed", async || modern.names().await.ok().filter(|names| !names.is_empty()))
        .await;
    let legacy = Agent::legacy(&gateway, "/mcp").await?;
    Ok((gateway, recorder, [modern, legacy]))
}

/// Whether a server of this kind is spoken to in 2026-07-28 for this agent.
fn modern_upstream(speaks: Speaks, agent: &Agent) -> bool {
    match speaks {
        Speaks::Modern => true,
        Speaks::Legacy | Speaks::Sessionless => false,
        Speaks::Both => agent.session.is_none(),
    }
}

fn last_call(recorder: &Recorder) -> anyhow::Result<Seen> {
    recorder.saw("tools/call").pop().context("the server was called")
}

#[tokio::test]
async fn a_real_server_of_any_era_serves_agents_of_both() -> anyhow::Result<()> {
    for speaks in ALL {
        let fixture = Fixture::start(speaks).await?;
        let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
        let modern = Agent::modern(&gateway, "/mcp");
        eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
        for agent in [modern, Agent::legacy(&gateway, "/mcp").await?] {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            assert_eq!(agent.call("real_echo", r#"{"text":"ahoy"}"#).await?.tool_text(), "ahoy", "{case}");
            assert_eq!(agent.call("real_add", r#"{"a":40,"b":2}"#).await?.tool_text(), "42", "{case}");
            assert!(agent.call("real_fail", "{}").await?.is_tool_error(), "{case}");
            let structured = agent.call("real_structured", "{}").await?.json();
            assert_eq!(structured["result"]["structuredContent"], json!({"unit": "m", "value": 3}), "{case}");
            let request = agent.calling("real_progress", r#"{"steps":3}"#);
            let request = with_token(&request, r#""my token""#);
            let events = agent.send(&request).await?.events();
            let steps: Vec<_> = events.iter().filter(|event| event.contains("notifications/progress")).collect();
            assert_eq!(steps.len(), 3, "{case}: {events:?}");
            assert!(steps.iter().all(|step| step.contains(r#""progressToken":"my token""#)), "{case}: {steps:?}");
            assert!(events.last().is_some_and(|last| last.contains("all steps done")), "{case}: {events:?}");
        }
    }
    Ok(())
}

/// The request with a progress token.
fn with_token(request: &portolan_tests::request::Request, token: &str) -> portolan_tests::request::Request {
    if String::from_utf8_lossy(&request.body).contains(r#""_meta":{"#) {
        request.clone().edit(r#""_meta":{"#, &format!(r#""_meta":{{"progressToken":{token},"#))
    } else {
        request.clone().edit(r#""params":{"#, &format!(r#""params":{{"_meta":{{"progressToken":{token}}},"#))
    }
}

#[tokio::test]
async fn a_session_of_a_real_server_is_kept_for_its_agent() -> anyhow::Result<()> {
    let fixture = Fixture::start(Speaks::Legacy).await?;
    let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
    let modern = Agent::modern(&gateway, "/mcp");
    eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
    let (ann, bob) = (Agent::legacy(&gateway, "/mcp").await?, Agent::legacy(&gateway, "/mcp").await?);
    for expected in ["1", "2", "3"] {
        assert_eq!(ann.call("real_count", "{}").await?.tool_text(), expected);
    }
    assert_eq!(bob.call("real_count", "{}").await?.tool_text(), "1", "another session counts from the start");
    Ok(())
}

/// Members, numbers and spacing that no typed model keeps.
const ODD_ARGUMENTS: &str = r#"{ "big":12345678901234567890123,"f":1.50,"e":1e300,"dup":1,"dup":2 ,"u":"\u0061\ud83d\ude00","ü":[ ] ,"z":null}"#;
const ODD_RESULT: &str = r#""content": [{"type":"text","text":"\u0061","x-unknown":1.50},{"type":"hologram","n":12345678901234567890123}],"structuredContent":{"b":1,"a":1e2} , "x-top":[ ]"#;

fn progress(token: &str, progress: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{progress},"x":1.50}}}}"#
    )
}
