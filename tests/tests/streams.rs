//! Open streams: judged again whenever something changes, and no longer open than their token is taken.

use portolan_tests::agent::{Agent, Stream};
use portolan_tests::eventually::within;
use portolan_tests::identity::{Issuer, now};
use portolan_tests::manifests::{policy, route, server};
use portolan_tests::recorder::{Answer, Recorder, Speaks, tool};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

/// A message that a server may send while it works.
const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}}"#;

/// A gateway before one server whose `work` answers by a stream that stays open.
struct World {
    gateway: Standalone,
    server: Recorder,
    issuer: Issuer,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let recorder = Recorder::start(Speaks::Modern, &[tool("work"), tool("rest")]).await?;
        recorder.answer("work", Answer::Open(vec![NOTE.to_owned()]));
        let objects =
            [server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"]), allowing(&issuer, "alpha_*")];
        let world = Self { gateway: Standalone::start(&objects).await?, server: recorder, issuer };
        world.agent(&json!({}))?.lists(&["alpha_work", "alpha_rest"]).await;
        Ok(world)
    }

    fn agent(&self, claims: &Value) -> anyhow::Result<Agent> {
        Ok(Agent::modern(&self.gateway, "/mcp").with_token(&self.issuer.token_with("ann", claims)?))
    }
}

fn allowing(issuer: &Issuer, tools: &str) -> Value {
    let rules = json!({"authorization": {"rules": [{"name": "some", "action": "Allow", "tools": [tools]}]}, "authentication": {"jwt": issuer.jwt()}});
    policy("gate", "McpRoute/eng", &rules)
}

/// It ends, and not without an answer to the call: its client would wait for one.
async fn ends(mut stream: Stream) -> anyhow::Result<()> {
    let last = within("the stream ends", async {
        let mut last = None;
        while let Some(event) = stream.next().await? {
            last = Some(event);
        }
        Ok::<_, anyhow::Error>(last)
    })
    .await?;
    let last: Value = serde_json::from_str(&last.unwrap_or_default()).unwrap_or_default();
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(1), &json!(-31403)), "{last}");
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_when_its_permission_is_withdrawn_and_the_server_hears_of_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let ann = world.agent(&json!({}))?;
    let mut stream = ann.stream(&ann.calling("alpha_work", "{}")).await?;
    assert_eq!(stream.next().await?.as_deref(), Some(NOTE));
    world.gateway.apply(&allowing(&world.issuer, "alpha_rest"))?;
    ends(stream).await?;
    portolan_tests::eventually::eventually("the server's stream is closed", async || {
        (world.server.gone() == 1).then_some(())
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn what_is_withdrawn_while_the_server_thinks_opens_no_stream_afterwards() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.answer("work", Answer::Gated(Box::new(Answer::Open(vec![NOTE.to_owned()]))));
    let ann = world.agent(&json!({}))?;
    let request = ann.calling("alpha_work", "{}");
    let (stream, withdrawn) = tokio::join!(ann.stream(&request), async {
        world.server.sees("tools/call").await;
        world.gateway.apply(&allowing(&world.issuer, "alpha_rest"))?;
        ann.lists(&["alpha_rest"]).await;
        world.server.open_gate();
        Ok::<_, anyhow::Error>(())
    });
    withdrawn?;
    ends(stream?).await
}

#[tokio::test]
async fn a_stream_lasts_as_long_as_its_token_is_taken() -> anyhow::Result<()> {
    let world = World::start().await?;
    // Clocks may differ by a minute, so that this one is good for some seconds more.
    let ann = world.agent(&json!({"exp": now() - 56}))?;
    let mut stream = ann.stream(&ann.calling("alpha_work", "{}")).await?;
    assert_eq!(stream.next().await?.as_deref(), Some(NOTE));
    let quiet = tokio::time::timeout(std::time::Duration::from_secs(1), stream.bytes()).await;
    assert!(quiet.is_err(), "it is open: {quiet:?}");
    ends(stream).await
}
