//! Two operators and the lease between them: one serves and writes, and the other one does when it must.

use std::time::{Duration, Instant};

use portolan_tests::{
    account,
    cluster::Cluster,
    eventually::eventually,
    fixture::Fixture,
    fleet::Fleet,
    load::Load,
    namespace::{Namespace, condition},
};
use serde_json::{Value, json};

use crate::setup::{TOOLS, route_with, serve};

/// From the end of a holder that could not say so until every gateway follows the next one.
const TAKEOVER: Duration = Duration::from_secs(8);

/// A fleet whose gateways all serve a route, and agents that call on each.
struct Scene {
    cluster: Cluster,
    fleet: Fleet,
    namespace: Namespace,
    _upstream: Fixture,
    path: String,
    load: Load,
    holder: usize,
    epoch: u64,
}

impl Scene {
    async fn new(purpose: &str, gateways: usize) -> anyhow::Result<Self> {
        let cluster = Cluster::own()?;
        let fleet = Fleet::of(&cluster, 2, gateways).await?;
        let namespace = Namespace::new(&cluster, purpose).await?;
        let (upstream, agent) = serve(&fleet, &namespace).await?;
        namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
        let mut agents = Vec::new();
        for gateway in 0..gateways {
            let agent = fleet.agent_of(gateway, &agent.path);
            agent.lists(&TOOLS).await;
            agents.extend([agent.clone(), agent.initialized().await?]);
        }
        let (holder, epoch) = (fleet.holder().await, fleet.follows_epoch_above(0).await);
        let load = Load::start(agents, "alpha_echo");
        load.makes(20).await;
        let path = agent.path;
        Ok(Self { cluster, fleet, namespace, _upstream: upstream, path, load, holder, epoch })
    }

    /// Waits until every gateway follows the other operator, and gives how long it took since `began`.
    async fn follows_the_other(&self, began: Instant) -> Duration {
        self.fleet.follows_epoch_above(self.epoch).await;
        let took = began.elapsed();
        assert_eq!(self.fleet.holder().await, 1 - self.holder);
        took
    }

    fn steps(&self) -> Vec<usize> {
        (0..self.fleet.gateways.len()).map(|gateway| self.fleet.steps(gateway).len()).collect()
    }

    /// An edit reaches every gateway, and status says so of all of them.
    async fn status_goes_on(&self) -> anyhow::Result<()> {
        let gateways = self.fleet.gateways.len();
        self.namespace.apply(&route_with(&self.path, &json!({"tools": {"include": ["echo"]}}))).await?;
        let condition = self.namespace.becomes("McpRoute", "eng", "Programmed", "True", "Programmed").await;
        let message = condition["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(&format!("{gateways}/{gateways} gateway pods")), "{message}");
        for gateway in 0..gateways {
            self.fleet.agent_of(gateway, &self.path).lists(&["alpha_echo"]).await;
        }
        Ok(())
    }
}

/// What is stored of each object; what it says is there for whoever reads of a difference.
async fn versions(namespace: &Namespace) -> anyhow::Result<Vec<Value>> {
    let mut versions = Vec::new();
    for (kind, name) in [("McpServer", "alpha"), ("McpRoute", "eng"), ("McpPolicy", "open")] {
        let object = namespace.get(kind, name).await?;
        versions.push(json!({"version": object["metadata"]["resourceVersion"], "status": object["status"]}));
    }
    Ok(versions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_is_asked_to_stop_hands_over_and_no_call_fails() -> anyhow::Result<()> {
    let mut scene = Scene::new("handover", 3).await?;
    let (steps, before) = (scene.steps(), versions(&scene.namespace).await?);
    let began = Instant::now();
    scene.fleet.operators[scene.holder].stop().await?;
    let took = scene.follows_the_other(began).await;
    // A second as a rule; a lease that was not vacated would take its whole term.
    assert!(took < Duration::from_secs(5), "the hand-over took {took:?}");
    scene.fleet.counts_gateways(3).await;
    scene.load.makes(100).await;
    for (gateway, steps) in steps.into_iter().enumerate() {
        // What follows from who is connected: what the fleet shares, and the gateway's own assignment.
        let sent = &scene.fleet.steps(gateway)[steps..];
        assert!(sent.iter().all(|resources| *resources <= 2), "gateway {gateway} was sent what it had: {sent:?}");
    }
    assert_eq!(versions(&scene.namespace).await?, before, "a hand-over is no news");
    scene.status_goes_on().await?;
    scene.load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_is_killed_is_followed_by_the_other_one_in_eight_seconds() -> anyhow::Result<()> {
    let mut scene = Scene::new("killed", 2).await?;
    let began = Instant::now();
    scene.fleet.operators[scene.holder].kill9()?;
    let took = scene.follows_the_other(began).await;
    assert!(took < TAKEOVER, "it took {took:?}");
    scene.status_goes_on().await?;

    // The one that was killed comes back and stands by.
    scene.fleet.start_operator(scene.holder).await?;
    let back = scene.fleet.operators[scene.holder].running();
    assert_eq!(back.config().await?["tenure"], "StandBy");
    assert_eq!(scene.fleet.holder().await, 1 - scene.holder);
    scene.load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_was_paused_does_no_harm_when_it_goes_on() -> anyhow::Result<()> {
    let mut scene = Scene::new("paused", 2).await?;
    let began = Instant::now();
    scene.fleet.operators[scene.holder].pause()?;
    let took = scene.follows_the_other(began).await;
    assert!(took < TAKEOVER, "it took {took:?}");
    // While it is away something is edited, of which it still has to hear.
    scene.status_goes_on().await?;
    scene.load.goes_on_for(Duration::from_secs(20).saturating_sub(began.elapsed())).await;
    let (before, epoch) = (versions(&scene.namespace).await?, scene.fleet.follows_epoch_above(scene.epoch).await);

    scene.fleet.operators[scene.holder].go_on()?;
    eventually("it stands by", async || {
        let config = scene.fleet.operators[scene.holder].running().config().await.ok()?;
        (config["tenure"] == "StandBy").then_some(())
    })
    .await;
    scene.load.goes_on_for(Duration::from_secs(3)).await;
    assert_eq!(versions(&scene.namespace).await?, before, "it wrote over what the other one wrote");
    assert_eq!(scene.fleet.epochs().await?, [epoch, epoch], "a gateway went back");
    assert_eq!(scene.fleet.holder().await, 1 - scene.holder);
    scene.fleet.counts_gateways(2).await;
    scene.load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_without_an_api_server_serves_on_and_keeps_its_lease() -> anyhow::Result<()> {
    let scene = Scene::new("alone", 2).await?;
    scene.cluster.stop_api().await?;
    eventually("the holder knows that it is cut off", async || {
        let config = scene.fleet.operators[scene.holder].running().config().await.ok()?;
        (config["tenure"] == "CutOff").then_some(())
    })
    .await;
    // Gateways are sent to look for another one, find none, and come back.
    scene.load.goes_on_for(Duration::from_secs(5)).await;
    scene.fleet.counts_gateways(2).await;
    scene.cluster.start_api().await?;
    assert_eq!(
        scene.fleet.holder().await,
        scene.holder,
        "the other one took a lease whose holder was there all the time"
    );
    assert_eq!(scene.fleet.epochs().await?, [scene.epoch; 2]);
    scene.status_goes_on().await?;
    scene.load.finish().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_that_both_write_are_no_endless_row_and_the_one_that_stays_has_the_last_word()
-> anyhow::Result<()> {
    const WRITTEN: &str = r#"portolan_operator_status_writes_total{outcome="written"}"#;
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "both").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
    agent.lists(&TOOLS).await;
    let load = Load::start(vec![agent], "alpha_echo");
    let before = fleet.operator_metric(WRITTEN).await?;

    // One that keeps its lease where nobody else looks, and has no gateways: it says something else of every object.
    let account = format!("--serviceaccount={}:{}", account::NAMESPACE, account::NAME);
    cluster.kubectl(&["create", "namespace", "elsewhere"]).await?;
    let role = ["--verb=get,create,update", "--resource=leases.coordination.k8s.io"];
    cluster.kubectl(&[&["create", "role", "lease", "--namespace=elsewhere"], &role[..]].concat()).await?;
    cluster.kubectl(&["create", "rolebinding", "lease", "--namespace=elsewhere", "--role=lease", &account]).await?;
    fleet.add_operator(&["--namespace", "elsewhere"]).await?;
    namespace
        .until("McpRoute", "eng", "is said to have no gateways", |route| {
            condition(route, "Programmed").is_some_and(|found| found["reason"] == "NoGateways")
        })
        .await;
    load.goes_on_for(Duration::from_secs(8)).await;
    let writes = fleet.operator_metric(WRITTEN).await? - before;
    assert!(writes < 30.0, "{writes} status writes for three objects");

    fleet.operators[1].kill9()?;
    for (kind, name) in [("McpServer", "alpha"), ("McpRoute", "eng"), ("McpPolicy", "open")] {
        namespace.becomes(kind, name, "Programmed", "True", "Programmed").await;
    }
    load.finish().await?;
    Ok(())
}
