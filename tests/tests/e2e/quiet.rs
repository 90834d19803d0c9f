//! When nothing happens, nothing is written.

use portolan_tests::{
    cluster::Cluster,
    eventually::eventually,
    fixture::Fixture,
    fleet::Fleet,
    manifests::{merged, server},
    namespace::Namespace,
    recorder::{Recorder, Speaks},
};
use serde_json::{Value, json};

use crate::setup::{TOOLS, serve};

/// Waits until a server has been examined so many more times. Others with its interval have been examined as often.
async fn examined(watched: &Recorder, times: usize) {
    let examinations = || watched.saw("server/discover").len();
    let before = examinations();
    eventually("it is examined", async || (examinations() >= before + times).then_some(())).await;
}

async fn versions(namespace: &Namespace) -> Vec<Value> {
    let mut versions = Vec::new();
    for (kind, name) in [
        ("McpServer", "alpha"),
        ("McpServer", "gone"),
        ("McpServer", "watched"),
        ("McpRoute", "eng"),
        ("McpPolicy", "open"),
    ] {
        versions.push(namespace.get(kind, name).await.expect("it is there")["metadata"]["resourceVersion"].clone());
    }
    versions
}

#[tokio::test]
async fn a_status_write_wakes_no_other() -> anyhow::Result<()> {
    const WRITTEN: &str = r#"portolan_operator_status_writes_total{outcome="written"}"#;
    const PUBLISHED: &str = "portolan_operator_publications_total";
    let cluster = Cluster::own()?;
    let fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "quiet").await?;
    let (upstream, agent) = serve(&fleet, &namespace).await?;
    // All are examined every second: a report that says nothing new is no news, be it good or bad.
    let often = json!({"spec": {"health": {"interval": "1s", "timeout": "1s"}}});
    let down = Fixture::start(Speaks::Both).await?;
    namespace.apply(&merged(server("alpha", &upstream.url()), &often)).await?;
    namespace.apply(&merged(server("gone", &down.url()), &often)).await?;
    let watched = Recorder::start(Speaks::Both, &[]).await?;
    namespace.apply(&merged(server("watched", &watched.url()), &often)).await?;
    namespace.becomes("McpServer", "watched", "Verified", "True", "Verified").await;
    namespace.becomes("McpServer", "gone", "Verified", "True", "Verified").await;
    drop(down);
    namespace.becomes("McpServer", "gone", "Verified", "False", "Unreachable").await;
    namespace.becomes("McpServer", "alpha", "Programmed", "True", "Programmed").await;

    // Settled: what was on its way has been written when two examinations have brought nothing.
    let counts =
        async || Some((fleet.operator_metric(WRITTEN).await.ok()?, fleet.operator_metric(PUBLISHED).await.ok()?));
    eventually("nothing more is written", async || {
        let before = counts().await?;
        examined(&watched, 2).await;
        (counts().await? == before).then_some(())
    })
    .await;
    let (before, written) = (versions(&namespace).await, counts().await);
    assert!(written.is_some_and(|(written, _)| written > 0.0), "the metric counts");
    examined(&watched, 4).await;
    assert_eq!(versions(&namespace).await, before);
    assert_eq!(counts().await, written);
    assert_eq!(agent.names().await?, TOOLS);
    Ok(())
}
