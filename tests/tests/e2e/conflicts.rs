//! References that are not permitted, places that are taken, and objects that are no objects.

use portolan_tests::{
    cluster::Cluster,
    manifests::route,
    namespace::{Namespace, condition},
};
use serde_json::{Value, json};

use crate::setup::{Setup, TOOLS, open, route_with};

#[tokio::test]
async fn a_server_of_another_namespace_is_refused() -> anyhow::Result<()> {
    let setup = Setup::new("foreign").await?;
    let other = Namespace::new(Cluster::shared()?, "own").await?;
    let path = other.path("eng");
    let foreign = route_with(&path, &json!({"serverRef": {"name": "alpha", "namespace": setup.namespace.name}}));
    other.apply_all(&[foreign, open("open", "eng")]).await?;
    let told = other.becomes("McpRoute", "eng", "ResolvedRefs", "False", "RefNotPermitted").await;
    assert!(
        told["message"].as_str().is_some_and(|text| text.contains("spec.servers[0].serverRef.namespace")),
        "{told}"
    );
    setup.fleet.agent(&path).lists(&[]).await;
    Ok(())
}

#[tokio::test]
async fn of_two_routes_at_one_place_the_older_holds() -> anyhow::Result<()> {
    let setup = Setup::new("place").await?;
    let namespace = &setup.namespace;
    let created = |object: &Value| object["metadata"]["creationTimestamp"].clone();
    let older = created(&namespace.get("McpRoute", "eng").await?);
    namespace.apply_all(&[route("zeng", setup.path(), &["alpha"]), open("open-too", "zeng")]).await?;
    let told = namespace.becomes("McpRoute", "zeng", "Accepted", "False", "HostPathConflict").await;
    assert!(told["message"].as_str().is_some_and(|text| text.contains("eng")), "{told}");
    assert!(older.as_str() <= created(&namespace.get("McpRoute", "zeng").await?).as_str());
    let kept = namespace.get("McpRoute", "eng").await?;
    assert_eq!(condition(&kept, "Accepted").expect("accepted")["status"], "True");
    assert_eq!(setup.agent.names().await?, TOOLS);

    // The place is free again: the other one has it.
    namespace.delete("McpRoute", "eng").await?;
    namespace.becomes("McpRoute", "zeng", "Programmed", "True", "Programmed").await;
    assert_eq!(setup.agent.names().await?, TOOLS);
    Ok(())
}
