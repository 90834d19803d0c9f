//! References that are not permitted, places that are taken, and objects that are no objects.

use http::StatusCode;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{DynamicObject, ListParams, Patch, PatchParams},
};
use portolan_crds::manifest::definitions;
use portolan_tests::{
    cluster::Cluster,
    eventually::eventually,
    fleet::Fleet,
    manifests::{object, route},
    namespace::{Namespace, condition},
};
use serde_json::{Value, json};

use crate::setup::{Setup, TOOLS, open, route_with, serve};

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

/// Every spec passes, as an older version of the CRD may have let it.
fn loosened(mut definition: CustomResourceDefinition) -> Value {
    for version in &mut definition.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        if let Some(spec) = schema.and_then(|schema| schema.properties.as_mut()?.get_mut("spec")) {
            *spec = Default::default();
            spec.x_kubernetes_preserve_unknown_fields = Some(true);
        }
    }
    serde_json::to_value(definition).expect("a definition is JSON")
}

/// Stores an object of each kind, named `broken`, that has not the shape of its kind.
async fn store_malformed(namespace: &Namespace) -> anyhow::Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(namespace.client.clone());
    for definition in definitions() {
        let name = definition.metadata.name.clone().unwrap_or_default();
        let ours = PatchParams::apply("portolan-tests").force();
        api.patch(&name, &ours, &Patch::Apply(loosened(definition))).await?;
    }
    let malformed = [
        object("McpServer", "broken", &json!({"source": "nowhere"})),
        object("McpRoute", "broken", &json!({"servers": 5})),
        object("McpPolicy", "broken", &json!({"targetRefs": [{"kind": "McpRoute", "name": "broken"}], "mode": ["?"]})),
    ];
    for object in &malformed {
        // The API server may go on with the strict schema for a moment.
        eventually("it is stored", async || namespace.apply(object).await.ok()).await;
    }
    Ok(())
}

/// Waits until the object `broken` is told which field is the mistake.
async fn is_told_of(namespace: &Namespace, kind: &str, field: &str) {
    let told = namespace.becomes(kind, "broken", "Accepted", "False", "Invalid").await;
    assert!(told["message"].as_str().is_some_and(|text| text.contains(field)), "{told}");
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_told_so_and_the_others_go_on() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "malformed").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    store_malformed(&namespace).await?;
    for (kind, field) in [("McpServer", "source"), ("McpRoute", "servers"), ("McpPolicy", "mode")] {
        is_told_of(&namespace, kind, field).await;
    }
    agent.lists(&TOOLS).await;

    // What is edited afterwards still arrives, and what is mended is served.
    namespace.apply(&route_with(&agent.path, &json!({"tools": {"include": ["echo"]}}))).await?;
    agent.lists(&["alpha_echo"]).await;
    let path = namespace.path("mended");
    let mended = [route("broken", &path, &["alpha"]), open("broken", "broken")];
    namespace.apply_all(&mended).await?;
    namespace.programmed(&mended).await;
    fleet.agent(&path).lists(&TOOLS).await;
    assert_eq!(agent.call("alpha_echo", "{}").await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn an_object_from_before_a_stricter_definition_is_told_so_too() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "stricter").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    fleet.operators[0].kill9()?;
    store_malformed(&namespace).await?;
    cluster.install(&namespace.client).await?;
    let other = object("McpRoute", "other", &json!({"servers": 5}));
    eventually("the strict schema is in force", async || namespace.apply(&other).await.err()).await;

    fleet.start_operator(0).await?;
    for (kind, field) in [("McpRoute", "servers"), ("McpPolicy", "mode")] {
        is_told_of(&namespace, kind, field).await;
    }
    // A rule of the definition stands on this field, and the API server takes no status of an object that it cannot be evaluated on.
    eventually("an Event tells of the server", async || {
        let events = namespace.api("Event").list(&ListParams::default()).await.ok()?;
        let ours = |event: &DynamicObject| {
            event.data["regarding"]["name"] == "broken"
                && event.data["regarding"]["kind"] == "McpServer"
                && event.data["reason"] == "Invalid"
                && event.data["note"].as_str().is_some_and(|note| note.contains("source"))
        };
        events.items.iter().any(ours).then_some(())
    })
    .await;
    agent.lists(&TOOLS).await;
    // Nothing is applied on top of what cannot be read: whoever mends it makes it anew.
    namespace.delete("McpRoute", "broken").await?;
    let mended = [route("broken", &namespace.path("mended"), &["alpha"])];
    namespace.apply_all(&mended).await?;
    namespace.becomes("McpRoute", "broken", "Accepted", "True", "Accepted").await;
    Ok(())
}
