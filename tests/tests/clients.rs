//! Clients that others wrote list and call through the gateway, each in the eras that it speaks.

use futures::{StreamExt, TryStreamExt, stream};
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::fixture::Fixture;
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::{policy, route, server};
use portolan_tests::official::{Run, Sdk, rmcp};
use portolan_tests::recorder::Speaks;
use portolan_tests::standalone::Standalone;
use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};

/// A gateway before a server of each era, on an endpoint for everybody and one for who has a token.
struct World {
    gateway: Standalone,
    issuer: Issuer,
    _servers: [Fixture; 2],
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let servers = [Fixture::start(Speaks::Legacy).await?, Fixture::start(Speaks::Modern).await?];
        let objects = [
            server("old", &servers[0].url()),
            server("new", &servers[1].url()),
            route("open", "/open", &["old", "new"]),
            route("eng", "/mcp", &["old", "new"]),
            policy("auth", "McpRoute/eng", &json!({"authentication": {"jwt": issuer.jwt()}})),
        ];
        let gateway = Standalone::start(&objects).await?;
        let agent = Agent::modern(&gateway, "/open");
        eventually("both servers' tools are listed", async || {
            agent.names().await.ok().filter(|names| names.len() == 16)
        })
        .await;
        Ok(Self { gateway, issuer, _servers: servers })
    }
}

async fn serves(sdk: Sdk, protocol: &str) -> anyhow::Result<()> {
    let world = World::start().await?;
    let (open, closed) = (world.gateway.url("/open"), world.gateway.url("/mcp"));
    let token = world.issuer.token("ann")?;
    let case = format!("{sdk:?} {protocol}");
    let anybody = Run { sdk, url: &open, protocol, token: None };
    let ann = Run { sdk, url: &closed, protocol, token: Some(&token) };
    let listed = ann.go(&["list"]).await?;
    assert_eq!(listed["tools"].as_array().map(Vec::len), Some(16), "{case}: {listed}");
    assert_eq!(listed["protocolVersion"], protocol, "{case}");
    assert_eq!(listed["serverInfo"]["name"], "portolan", "{case}: {listed}");
    for server in ["old", "new"] {
        let echo = anybody.go(&["call", &format!("{server}_echo"), r#"{"text":"ahoy"}"#]).await?;
        assert_eq!((&echo["isError"], &echo["content"][0]["text"]), (&json!(false), &json!("ahoy")), "{case}: {echo}");
    }
    let failed = ann.go(&["call", "old_fail", "{}"]).await?;
    assert_eq!(failed["isError"], true, "{case}: {failed}");
    let structured = ann.go(&["call", "new_structured", "{}"]).await?;
    assert_eq!(structured["structuredContent"], json!({"unit": "m", "value": 3}), "{case}");
    let unknown = ann.go(&["call", "old_nothing", "{}"]).await?;
    assert_eq!(unknown["error"]["code"], -32602, "{case}: {unknown}");
    let refused = Run { token: None, ..ann.clone() }.go(&["list"]).await?;
    assert!(refused["error"].is_object() && refused.get("tools").is_none(), "{case}: {refused}");
    Ok(())
}

#[tokio::test]
async fn the_typescript_sdks_first_line_lists_and_calls_in_a_session() -> anyhow::Result<()> {
    serves(Sdk::TypeScript, "2025-11-25").await
}

#[tokio::test]
async fn the_typescript_sdks_second_line_lists_and_calls_without_one() -> anyhow::Result<()> {
    serves(Sdk::TypeScript, "2026-07-28").await
}

#[tokio::test]
async fn the_python_sdk_lists_and_calls_in_a_session() -> anyhow::Result<()> {
    serves(Sdk::Python, "2025-11-25").await
}

#[tokio::test]
async fn the_python_sdk_lists_and_calls_without_one() -> anyhow::Result<()> {
    serves(Sdk::Python, "2026-07-28").await
}

#[tokio::test]
async fn rmcp_lists_and_calls_in_both_eras() -> anyhow::Result<()> {
    let world = World::start().await?;
    let token = world.issuer.token("ann")?;
    for modern in [true, false] {
        let client = rmcp(&world.gateway.url("/mcp"), modern, Some(&token)).await?;
        assert_eq!(client.list_all_tools().await?.len(), 16, "modern: {modern}");
        for tool in ["old_echo", "new_echo"] {
            let arguments = json!({"text": "ahoy"}).as_object().cloned().unwrap_or_default();
            let result = client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await?;
            let result = serde_json::to_value(result)?;
            assert_eq!(result["content"][0]["text"], "ahoy", "modern: {modern}, {tool}");
        }
        let unknown = client.call_tool(CallToolRequestParams::new("old_nothing")).await;
        assert!(unknown.is_err_and(|error| error.to_string().contains("-32602")), "modern: {modern}");
        client.cancel().await?;
        assert!(rmcp(&world.gateway.url("/mcp"), modern, None).await.is_err(), "modern: {modern}, without a token");
    }
    Ok(())
}

#[tokio::test]
async fn a_thousand_calls_of_several_agents_with_one_id_each_get_their_own_answer() -> anyhow::Result<()> {
    let world = World::start().await?;
    let closed = Agent::modern(&world.gateway, "/mcp");
    let agents = [
        Agent::modern(&world.gateway, "/open"),
        Agent::legacy(&world.gateway, "/open").await?,
        closed.clone().with_token(&world.issuer.token("ann")?),
        closed.with_token(&world.issuer.token("bob")?).initialized().await?,
    ];
    let calls = (0..1_000).map(|number| {
        let agent = &agents[number % agents.len()];
        let tool = if number % 3 == 0 { "old_echo" } else { "new_echo" };
        let canary = format!("canary-{number}");
        async move {
            let reply = agent.call(tool, &format!(r#"{{"text":"{canary}"}}"#)).await?;
            let answer = reply.json();
            assert_eq!((&answer["id"], reply.tool_text()), (&Value::from(1), canary), "{}", reply.text());
            Ok::<_, anyhow::Error>(())
        }
    });
    let done: Vec<()> = stream::iter(calls).buffer_unordered(100).try_collect().await?;
    assert_eq!(done.len(), 1_000);
    Ok(())
}
