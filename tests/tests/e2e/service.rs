//! Services of the cluster, whose pods have addresses that no loopback has: the test has a network namespace of its own.

use portolan_tests::{
    cluster::Cluster,
    fixture::Fixture,
    fleet::Fleet,
    manifests::{object, route},
    namespace::Namespace,
    netns::{Place, enter},
    recorder::Speaks,
};
use serde_json::{Value, json};

use crate::setup::open;

/// Two pods' addresses.
const PODS: [&str; 2] = ["10.9.0.1", "10.9.0.2"];

/// The Service's slice, with these pods ready or not.
fn slice(pods: &[(&str, bool)], port: u16) -> Value {
    let endpoints = pods.iter().map(|(address, ready)| json!({"addresses": [address], "conditions": {"ready": ready}}));
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "tools-1", "labels": {"kubernetes.io/service-name": "tools"}},
        "ports": [{"name": "mcp", "port": port, "protocol": "TCP"}],
        "endpoints": endpoints.collect::<Vec<_>>(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_served_by_its_ready_pods() -> anyhow::Result<()> {
    const NAME: &str = "service::a_service_is_served_by_its_ready_pods";
    let addresses = PODS.map(|pod| format!("{pod}/32"));
    if enter(NAME, &addresses.each_ref().map(String::as_str))? != Place::Inside {
        return Ok(());
    }
    let first = Fixture::start_at(format!("{}:0", PODS[0]).parse()?, Speaks::Both).await?;
    let port = first.address.port();
    let second = Fixture::start_at(format!("{}:{port}", PODS[1]).parse()?, Speaks::Both).await?;
    let cluster = Cluster::own()?;
    let fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "service").await?;
    let path = namespace.path("eng");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "tools"},
        "spec": {"ports": [{"name": "mcp", "port": 80, "targetPort": port}]},
    });
    let source =
        json!({"source": {"service": {"name": "tools", "port": 80}}, "health": {"interval": "1s", "timeout": "1s"}});
    let server = object("McpServer", "alpha", &source);
    namespace.apply_all(&[server, route("eng", &path, &["alpha"]), open("open", "eng")]).await?;
    namespace.becomes("McpServer", "alpha", "ResolvedRefs", "False", "BackendNotFound").await;
    namespace.apply_all(&[service, slice(&[], port)]).await?;
    namespace.becomes("McpServer", "alpha", "Verified", "False", "NoEndpoints").await;

    namespace.apply(&slice(&[(PODS[0], true), (PODS[1], false)], port)).await?;
    namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
    let agent = fleet.agent(&path);
    agent.lists(&crate::setup::TOOLS).await;
    let says = r#"{"text":"from a pod"}"#;
    assert_eq!(agent.call("alpha_echo", says).await?.tool_text(), "from a pod");

    // The first pod goes, the second is ready: an old session is bound to the first, everybody else has the second.
    namespace.apply(&slice(&[(PODS[1], true)], port)).await?;
    drop(first);
    namespace.becomes("McpServer", "alpha", "Programmed", "True", "Programmed").await;
    portolan_tests::eventually::eventually("the second pod answers", async || {
        let reply = agent.call("alpha_echo", says).await.ok()?;
        (reply.status == 200 && reply.tool_text() == "from a pod").then_some(())
    })
    .await;
    drop(second);
    Ok(())
}
