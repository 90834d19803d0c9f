//! A gateway that starts and finds no operator: it serves what was in force, from disk, and says so. Nothing else than that is in the file.

use std::fs;

use http::StatusCode;
use portolan_tests::{
    account::{NAME, NAMESPACE, SECRET_READER},
    agent::Agent,
    cluster::Cluster,
    eventually::eventually,
    fleet::{Fleet, answers},
    manifests::{merged, policy, route, secret, server},
    namespace::Namespace,
    recorder::{Recorder, Speaks, tool},
    request::Request,
};
use serde_json::{Value, json};

use crate::setup::{TOOLS, open, route_with, serve};

async fn readyz(fleet: &Fleet) -> anyhow::Result<String> {
    let gateway = fleet.gateways[0].running();
    let reply = Request::get("/readyz").send(gateway.at.admin).await?;
    assert_eq!(reply.status, StatusCode::OK);
    Ok(reply.text())
}

#[tokio::test]
async fn a_gateway_that_starts_alone_serves_what_was_in_force_and_a_reconnect_brings_only_what_differs()
-> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "alone").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let agent = agent.initialized().await?;
    assert_eq!(agent.call("alpha_count", "{}").await?.tool_text(), "1");
    namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
    assert_eq!(readyz(&fleet).await?, "ok\n");
    fleet.kept().await;
    let before = fleet.gateway_config().await?;

    fleet.operators[0].kill9()?;
    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
    let agent = agent.clone();
    // The very first calls: whoever is ready serves.
    assert_eq!(agent.call("alpha_count", "{}").await?.tool_text(), "2", "the same session, here and upstream");
    assert_eq!(agent.names().await?, TOOLS);
    let alone = fleet.gateway_config().await?;
    assert_eq!((&alone["source"], &alone["snapshot"]), (&json!("Disk"), &before["snapshot"]));
    assert_eq!(alone["resources"], before["resources"]);
    assert!(readyz(&fleet).await?.contains("from disk"));
    assert!((fleet.gateway_metric(r#"portolan_config_source{source="Disk"}"#).await? - 1.0).abs() < 0.5);

    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    eventually("a step after the reconnect", async || (!fleet.steps(0).is_empty()).then_some(())).await;
    let transferred: usize = fleet.steps(0).iter().sum();
    assert_eq!(transferred, 0, "nothing has changed: {:?}", fleet.steps(0));
    assert_eq!(readyz(&fleet).await?, "ok\n");
    assert_eq!(fleet.gateway_config().await?["source"], "Stream");
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    Ok(())
}

#[tokio::test]
async fn what_a_bad_edit_holds_is_served_by_a_new_gateway_although_all_others_were_restarted() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "held").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let rule = |when: &str| {
        let rules = json!([{"name": "rule", "action": "Allow", "when": when}]);
        policy("rules", "McpRoute/eng", &json!({"authorization": {"rules": rules}}))
    };
    let good = rule("tool.name == 'alpha_echo'");
    namespace.apply(&good).await?;
    agent.lists(&["alpha_echo"]).await;
    namespace.programmed(&[good]).await;
    namespace.apply(&rule("tool.nam ==")).await?;
    namespace.becomes("McpPolicy", "rules", "Programmed", "False", "Held").await;
    fleet.kept().await;

    fleet.operators[0].kill9()?;
    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
    let alone = agent.clone();
    assert_eq!(alone.names().await?, ["alpha_echo"], "alone");
    assert_eq!(alone.call("alpha_add", "{}").await?.code(), Some(-32602));
    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    assert_eq!(alone.names().await?, ["alpha_echo"], "with an operator that never saw the good version");

    fleet.add_gateway().await?;
    let joined = Agent { address: fleet.gateways[1].running().at.listen, ..agent.clone() };
    joined.lists(&["alpha_echo"]).await;
    assert_eq!(joined.call("alpha_add", "{}").await?.code(), Some(-32602));
    namespace.becomes("McpPolicy", "rules", "Programmed", "False", "Held").await;
    Ok(())
}

#[tokio::test]
async fn what_is_closed_for_want_of_a_good_version_stays_closed_when_nobody_is_there() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "closed").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let bad = json!({"authorization": {"rules": [{"name": "rule", "action": "Allow", "when": "tool.nam =="}]}});
    namespace.apply(&policy("more", "McpRoute/eng", &bad)).await?;
    let list = agent.request("tools/list", "{}");
    answers("closed", &agent, &list, |reply| reply.status == StatusCode::SERVICE_UNAVAILABLE).await;
    fleet.kept().await;
    fleet.operators[0].kill9()?;
    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
    assert_eq!(agent.send(&list).await?.status, StatusCode::SERVICE_UNAVAILABLE);

    // Its object goes while this gateway is alone: then it is no longer closed.
    namespace.delete("McpPolicy", "more").await?;
    fleet.start_operator(0).await?;
    agent.lists(&TOOLS).await;
    Ok(())
}

/// A server whose credential is in a Secret that is granted, and an agent that has called it.
async fn credentials(cluster: &Cluster, fleet: &Fleet, namespace: &Namespace) -> anyhow::Result<(Recorder, Agent)> {
    let upstream = Recorder::start(Speaks::Modern, &[tool("echo")]).await?;
    let header =
        json!({"name": "Authorization", "format": "Bearer %s", "secretRef": {"name": "token", "key": "value"}});
    let private = merged(server("alpha", &upstream.url()), &json!({"spec": {"credentials": {"header": header}}}));
    let role = format!("--clusterrole={SECRET_READER}");
    let account = format!("--serviceaccount={NAMESPACE}:{NAME}");
    let within = format!("--namespace={}", namespace.name);
    cluster.kubectl(&["create", "rolebinding", SECRET_READER, &role, &account, &within]).await?;
    let path = namespace.path("eng");
    let objects: [Value; 4] =
        [secret("token", "value", "a-rare-canary"), private, route("eng", &path, &["alpha"]), open("open", "eng")];
    namespace.apply_all(&objects).await?;
    let agent = fleet.agent(&path);
    agent.lists(&["alpha_echo"]).await;
    agent.call("alpha_echo", "{}").await?;
    assert_eq!(upstream.sees("tools/call").await.header("authorization"), "Bearer a-rare-canary");
    Ok((upstream, agent))
}

/// Whether some file of a folder holds this text.
fn found(folder: &std::path::Path, text: &str) -> anyhow::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn secrets_are_kept_sealed_and_a_revoked_one_is_not_kept() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "revoked").await?;
    let (upstream, agent) = credentials(&cluster, &fleet, &namespace).await?;
    fleet.kept().await;
    let folder = fleet.last_good().parent().expect("a folder").to_owned();
    assert!(!found(&folder, "a-rare-canary")?, "never plain");

    fleet.operators[0].kill9()?;
    fleet.gateways[0].kill9()?;
    fleet.start_gateway(0).await?;
    upstream.forget();
    agent.call("alpha_echo", "{}").await?;
    assert_eq!(upstream.sees("tools/call").await.header("authorization"), "Bearer a-rare-canary", "alone");

    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    namespace.delete("RoleBinding", SECRET_READER).await?;
    namespace.becomes("McpServer", "alpha", "ResolvedRefs", "False", "SecretNotGranted").await;
    let gone = async || {
        let config = fleet.gateway_config().await.ok()?;
        (!config["resources"].to_string().contains("Secret/")).then_some(())
    };
    eventually("the secret is revoked", gone).await;
    fleet.kept().await;
    fleet.gateways[0].kill9()?;
    fleet.operators[0].kill9()?;
    fleet.start_gateway(0).await?;
    upstream.forget();
    agent.call("alpha_echo", "{}").await?;
    assert!(upstream.saw("tools/call").is_empty(), "nothing is sent without the credential");
    let config = fleet.gateway_config().await?;
    assert_eq!(config["source"], "Disk");
    assert!(!config["resources"].to_string().contains("Secret/"), "{config}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_torn_is_named_in_the_log_and_a_disk_that_takes_nothing_costs_no_call() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "torn").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    fleet.kept().await;
    fleet.gateways[0].kill9()?;
    let path = fleet.last_good();
    let whole = fs::read(&path)?;
    fs::write(&path, &whole[..whole.len() / 2])?;
    // A folder in its place: no file can be written there, not even by root.
    fs::create_dir(path.with_added_extension("partial"))?;

    fleet.start_gateway(0).await?;
    let agent = agent.clone();
    agent.lists(&TOOLS).await;
    assert_eq!(fleet.gateway_config().await?["source"], "Stream");
    let refused = r#"portolan_data_files_total{file="last_good",outcome="torn"}"#;
    assert!((fleet.gateway_metric(refused).await? - 1.0).abs() < 0.5);
    let failed = r#"portolan_data_files_total{file="last_good",outcome="failed"}"#;
    eventually("a second write fails", async || (fleet.gateway_metric(failed).await.ok()? > 1.5).then_some(())).await;
    assert_eq!(agent.call("alpha_echo", r#"{"text":"on"}"#).await?.tool_text(), "on");
    let log = fleet.gateways[0].running().process.stderr();
    let lines = |what: &str| log.lines().filter(|line| line.contains("last-good.bin") && line.contains(what)).count();
    assert_eq!((lines("torn"), lines("cannot be written")), (1, 1), "{log}");

    fs::remove_dir(path.with_added_extension("partial"))?;
    fleet.kept().await;
    assert!(fs::read(&path)?.len() >= whole.len() / 2);
    Ok(())
}
