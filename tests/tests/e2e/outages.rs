//! The gateway, the operator and the API server stop and come back, while agents call.

use std::time::Duration;

use portolan_tests::{cluster::Cluster, fleet::Fleet, load::Load, namespace::Namespace};
use serde_json::json;

use crate::setup::{TOOLS, route_with, serve};

#[tokio::test]
async fn a_gateway_that_was_killed_serves_again_and_opens_the_sessions_of_before() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "killed").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let agent = agent.initialized().await?;
    let counted = agent.call("alpha_count", "{}").await?.tool_text();
    assert_eq!(counted, "1");

    fleet.gateway.take().expect("a gateway").process.kill9()?;
    fleet.start_gateway().await?;
    let agent = portolan_tests::agent::Agent { address: fleet.address(), ..agent };
    agent.lists(&TOOLS).await;
    assert_eq!(agent.call("alpha_count", "{}").await?.tool_text(), "2", "the same session, here and upstream");
    fleet.counts_gateways(1).await;
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_is_killed_under_load_and_no_call_fails() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "operator").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
    let load = Load::start(vec![agent.clone(), agent.clone().initialized().await?], "alpha_echo");
    load.makes(20).await;
    let before = fleet.steps().len();

    fleet.operator.take().expect("an operator").process.kill9()?;
    load.makes(100).await;
    fleet.start_operator().await?;
    fleet.counts_gateways(1).await;
    for (kind, name) in [("McpServer", "alpha"), ("McpRoute", "eng"), ("McpPolicy", "open")] {
        namespace.becomes(kind, name, "Programmed", "True", "Programmed").await;
    }
    // Nothing has changed, so nothing is sent again.
    portolan_tests::eventually::eventually("a step after the reconnect", async || {
        (fleet.steps().len() > before).then_some(())
    })
    .await;
    load.makes(20).await;
    let transferred: usize = fleet.steps()[before..].iter().sum();
    assert_eq!(transferred, 0, "resources in the steps after the reconnect: {:?}", &fleet.steps()[before..]);
    assert_eq!(agent.names().await?, TOOLS);

    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_server_is_away_and_no_call_fails() -> anyhow::Result<()> {
    let long = std::env::var_os("PORTOLAN_TEST_LONG").is_some();
    let away = Duration::from_secs(if long { 60 } else { 10 });
    let cluster = Cluster::own()?;
    let fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "away").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let load = Load::start(vec![agent.clone(), agent.clone().initialized().await?], "alpha_echo");
    load.makes(20).await;

    cluster.stop_api().await?;
    load.goes_on_for(away).await;
    cluster.start_api().await?;
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    load.finish().await?;
    Ok(())
}
