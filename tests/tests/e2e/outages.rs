//! The gateway, the operator and the API server stop and come back, while agents call.

use std::time::Duration;

use portolan_tests::{
    cluster::Cluster, eventually::eventually, fleet::Fleet, load::Load, manifests::policy, namespace::Namespace,
    request::Request,
};
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

    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
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
    let before = fleet.steps(0).len();

    fleet.operators[0].kill9()?;
    load.makes(100).await;
    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    for (kind, name) in [("McpServer", "alpha"), ("McpRoute", "eng"), ("McpPolicy", "open")] {
        namespace.becomes(kind, name, "Programmed", "True", "Programmed").await;
    }
    // Nothing has changed, so nothing is sent again.
    eventually("a step after the reconnect", async || (fleet.steps(0).len() > before).then_some(())).await;
    load.makes(20).await;
    let transferred: usize = fleet.steps(0)[before..].iter().sum();
    assert_eq!(transferred, 0, "resources in the steps after the reconnect: {:?}", &fleet.steps(0)[before..]);
    assert_eq!(agent.names().await?, TOOLS);

    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    load.finish().await?;
    Ok(())
}

/// A policy that allows what `when` says.
fn rules(when: &str) -> serde_json::Value {
    policy(
        "rules",
        "McpRoute/eng",
        &json!({"authorization": {"rules": [{"name": "rule", "action": "Allow", "when": when}]}}),
    )
}

/// When an operator dies that has something to do.
enum Moment {
    /// Before it has heard of the edit, or while it gathers what belongs to it.
    AtOnce,
    /// It has translated the edit, and sends it.
    Published,
    /// A gateway has it.
    TakenIn,
    /// The status says so.
    Told,
}

/// Publications of the operator, and steps that the gateway has had from it.
async fn progress(fleet: &Fleet) -> anyhow::Result<(f64, usize)> {
    Ok((fleet.operator_metric("portolan_operator_publications_total").await?, fleet.steps(0).len()))
}

#[tokio::test]
async fn an_operator_that_dies_at_every_edit_loses_none() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "dying").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    for (tool, moment) in
        [("echo", Moment::AtOnce), ("add", Moment::Published), ("fail", Moment::TakenIn), ("wipe", Moment::Told)]
    {
        let before = progress(&fleet).await?;
        namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": [tool]}}))).await?;
        match moment {
            Moment::AtOnce => {}
            Moment::Published => {
                eventually("a publication", async || {
                    progress(&fleet).await.ok().filter(|now| now.0 > before.0).map(drop)
                })
                .await;
            }
            Moment::TakenIn => {
                eventually("a step", async || progress(&fleet).await.ok().filter(|now| now.1 > before.1).map(drop))
                    .await;
            }
            Moment::Told => {
                agent.lists(&[&format!("alpha_{tool}")]).await;
                namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
            }
        }
        fleet.operators[0].kill9()?;
        fleet.start_operator(0).await?;
        agent.lists(&[&format!("alpha_{tool}")]).await;
        namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    }
    Ok(())
}

#[tokio::test]
async fn the_last_good_version_of_a_bad_edit_outlives_the_operator() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "outlives").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    namespace.apply(&rules("tool.name == \"alpha_echo\"")).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.apply(&rules("tool.name ==")).await?;
    let held = namespace.becomes("McpPolicy", "rules", "Programmed", "False", "Held").await;

    fleet.operators[0].kill9()?;
    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    // The operator has the version from the gateway again, by its hash: what was edited beside it comes into force with it.
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"exclude": ["wipe"]}}))).await?;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    assert_eq!(agent.names().await?, ["alpha_echo"]);
    let still = namespace.becomes("McpPolicy", "rules", "Programmed", "False", "Held").await;
    assert_eq!(still["message"], held["message"]);

    // And gives it to a gateway that joins.
    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
    fleet.agent(&agent.path).lists(&["alpha_echo"]).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_server_is_away_for_a_minute_and_no_call_fails() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "away").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let load = Load::start(vec![agent.clone(), agent.clone().initialized().await?], "alpha_echo");
    load.makes(20).await;

    cluster.stop_api().await?;
    load.goes_on_for(Duration::from_secs(60)).await;
    cluster.start_api().await?;
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
    load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_asked_to_stop_is_unready_serves_a_while_and_finishes_its_calls() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "drained").await?;
    let (upstream, agent) = serve(&fleet, &namespace).await?;
    let config = fleet.gateway_config().await?;
    assert_eq!((&config["source"], &config["epoch"]), (&json!("Stream"), &json!(1)), "{config}");
    let load = Load::start(vec![agent.clone(), agent.clone().initialized().await?], "alpha_echo");
    // It takes longer than new connections are accepted.
    let long = agent.calling("alpha_slow", r#"{"milliseconds":11500}"#);
    let answered = tokio::spawn(async move { long.send(agent.address).await });
    eventually("the long call runs", async || (upstream.running() == 1).then_some(())).await;

    let gateway = fleet.gateways[0].running.as_mut().expect("a gateway");
    gateway.process.terminate()?;
    let admin = gateway.at.admin;
    let unready = eventually("it is unready", async || {
        Request::get("/readyz").send(admin).await.ok().filter(|reply| reply.status == 503)
    })
    .await;
    assert!(unready.text().contains("draining"), "{}", unready.text());
    assert_eq!(Request::get("/livez").send(admin).await?.status, 200);
    load.goes_on_for(Duration::from_secs(5)).await;
    load.finish().await?;
    assert_eq!(answered.await??.tool_text(), "slowly done");
    assert_eq!(gateway.process.ended().await.code(), Some(0));
    fleet.counts_gateways(0).await;
    Ok(())
}
