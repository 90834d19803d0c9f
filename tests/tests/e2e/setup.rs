//! What most tests begin with: a server on rmcp, a route to it and a policy that lets everybody in, all of them in force.

use std::sync::Arc;

use portolan_tests::{
    agent::Agent,
    cluster::Cluster,
    fixture::Fixture,
    fleet::Fleet,
    manifests::{policy, route, server},
    namespace::Namespace,
    recorder::Speaks,
};
use serde_json::{Value, json};

/// The tools of a [`Fixture`], as a route without a prefix of its own shows them.
pub const TOOLS: [&str; 8] = [
    "alpha_echo",
    "alpha_add",
    "alpha_slow",
    "alpha_fail",
    "alpha_structured",
    "alpha_progress",
    "alpha_count",
    "alpha_wipe",
];

/// The shared fleet, and a namespace of its own with one server behind one route.
pub struct Setup {
    pub fleet: Arc<Fleet>,
    pub namespace: Namespace,
    pub upstream: Fixture,
    pub agent: Agent,
}

impl Setup {
    pub async fn new(purpose: &str) -> anyhow::Result<Self> {
        let fleet = Fleet::shared().await?;
        let namespace = Namespace::new(Cluster::shared()?, purpose).await?;
        let (upstream, agent) = serve(&fleet, &namespace).await?;
        Ok(Self { fleet, namespace, upstream, agent })
    }

    /// The route's path.
    pub fn path(&self) -> &str {
        &self.agent.path
    }
}

/// Applies server `alpha`, route `eng` and policy `open`, and returns when the whole list is served.
pub async fn serve(fleet: &Fleet, namespace: &Namespace) -> anyhow::Result<(Fixture, Agent)> {
    let upstream = Fixture::start(Speaks::Both).await?;
    let path = namespace.path("eng");
    let objects = [server("alpha", &upstream.url()), route("eng", &path, &["alpha"]), open("open", "eng")];
    namespace.apply_all(&objects).await?;
    namespace.programmed(&objects).await;
    let agent = fleet.agent(&path);
    agent.lists(&TOOLS).await;
    Ok((upstream, agent))
}

/// A policy that lets everybody in.
pub fn open(name: &str, route: &str) -> Value {
    policy(name, &format!("McpRoute/{route}"), &json!({"authentication": {"anonymous": true}}))
}

/// The route `eng` with these members of its only server entry.
pub fn route_with(path: &str, entry: &Value) -> Value {
    let mut object = route("eng", path, &["alpha"]);
    for (key, value) in entry.as_object().expect("an object") {
        object["spec"]["servers"][0][key] = value.clone();
    }
    object
}
