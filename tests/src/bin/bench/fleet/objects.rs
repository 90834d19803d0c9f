//! The objects of a fleet: servers in several namespaces, all of them behind one upstream, and a route to each.

use std::net::SocketAddr;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

/// Namespaces that share the objects.
const NAMESPACES: usize = 10;

/// Requests to the API server at a time.
const AT_ONCE: usize = 32;

/// The namespace of an object.
pub fn namespace(number: usize) -> String {
    format!("tenant-{}", number % NAMESPACES)
}

/// The name of an object, as names in clusters are.
pub fn name(number: usize) -> String {
    format!("backend-{number:05}")
}

/// The objects of a kind in the namespace of one of them.
pub fn api(client: &Client, kind: &str, number: usize) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(portolan_crds::GROUP, portolan_crds::VERSION, kind));
    Api::namespaced_with(client.clone(), &namespace(number), &resource)
}

/// Makes all of them.
pub async fn create(client: &Client, count: usize, upstream: SocketAddr) -> anyhow::Result<()> {
    for number in 0..NAMESPACES {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(number)}});
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace)?).await?;
    }
    let each = (0..count).flat_map(|number| [("McpServer", number), ("McpRoute", number)]);
    let made = each.map(|(kind, number)| async move {
        let spec = if kind == "McpServer" { server(number, upstream) } else { route(number) };
        let object = json!({
            "apiVersion": format!("{}/{}", portolan_crds::GROUP, portolan_crds::VERSION),
            "kind": kind, "metadata": {"name": name(number)}, "spec": spec,
        });
        api(client, kind, number).create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        anyhow::Ok(())
    });
    stream::iter(made).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// A server that is looked at when it is assigned, and then not within a run: what edits cost is measured, not what ten thousand looks do.
fn server(number: usize, upstream: SocketAddr) -> Value {
    let url = format!("http://{upstream}/{}/{}/mcp", namespace(number), name(number));
    json!({"source": {"remote": {"url": url}}, "health": {"interval": "1h"}})
}

fn route(number: usize) -> Value {
    let path = format!("/{}/{}", namespace(number), name(number));
    json!({"path": path, "servers": [{"name": "backend", "serverRef": {"name": name(number)}}]})
}

/// What an edit says: of a route another path, of a server another patience.
pub fn edit(kind: &str, number: usize) -> Value {
    match kind {
        "McpRoute" => json!({"spec": {"path": format!("/{}/{}/edited", namespace(number), name(number))}}),
        _ => json!({"spec": {"health": {"timeout": "2s"}}}),
    }
}
