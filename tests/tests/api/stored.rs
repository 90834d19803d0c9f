//! What the API server makes of objects that it stores: defaults, columns, status.

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use portolan_crds::{
    CONTROLLER_NAME, ConditionType, Duration, Finding, GROUP, McpPolicy, McpRoute, McpServer, Reason, VERSION,
    conditions::set,
    policy::{McpPolicyStatus, PolicyAncestor},
    reference::ParentReference,
    route::{DataPlane, McpRouteStatus, RouteParent, RouteServerStatus, RouteTotals, ServerState},
    server::{Catalogue, McpServerStatus, ServerInfo},
};
use portolan_tests::cluster::Cluster;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{policy, route, server};

/// A namespace of its own in a cluster with our CRDs.
async fn namespace() -> (Client, String) {
    let cluster = Cluster::shared().expect("a cluster");
    let client = cluster.client().await.expect("a client");
    cluster.install(&client).await.expect("the CRDs are installed");
    let namespace = cluster.namespace(&client, "stored").await.expect("a namespace");
    (client, namespace)
}

async fn create<K>(client: &Client, namespace: &str, kind: &str, name: &str, spec: Value) -> (Api<K>, K)
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let object =
        json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": {"name": name}, "spec": spec});
    let object = serde_json::from_value(object).expect("an object");
    let created = api.create(&PostParams::default(), &object).await.expect("created");
    (api, created)
}

/// Writes status as the operator does, and returns what was stored.
async fn apply_status<K, S: Serialize>(api: &Api<K>, kind: &str, name: &str, status: &S) -> K
where
    K: DeserializeOwned + Clone + std::fmt::Debug,
{
    let patch = json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "status": status});
    let ours = PatchParams::apply("portolan-operator").force();
    api.patch_status(name, &ours, &Patch::Apply(patch)).await.expect("status is written")
}

/// The rows that `kubectl get` prints: name, then the columns but the age.
async fn rows(client: &Client, namespace: &str, plural: &str) -> Vec<Vec<Value>> {
    let request = http::Request::get(format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}"))
        .header("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")
        .body(Vec::new())
        .expect("a request");
    let table: Value = client.request(request).await.expect("a table");
    let row = |row: &Value| {
        let mut cells = row["cells"].as_array().expect("cells").clone();
        cells.pop();
        cells
    };
    table["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn conditions(types: &[(ConditionType, Reason)]) -> Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    let mut conditions = Vec::new();
    for (condition, reason) in types {
        set(&mut conditions, Finding::holds(*condition, *reason, "fine").at(Some(1), Timestamp::UNIX_EPOCH));
    }
    conditions
}

#[tokio::test]
async fn a_servers_row_shows_its_source_and_status() {
    let (client, namespace) = namespace().await;
    let (api, created) = create::<McpServer>(&client, &namespace, "McpServer", "a", server::base()).await;
    assert_eq!(created.spec.source.service.expect("a service").path, "/mcp");
    create::<McpServer>(
        &client,
        &namespace,
        "McpServer",
        "b",
        json!({"source": {"remote": {"url": "https://b.example/"}}}),
    )
    .await;

    let status = McpServerStatus {
        conditions: conditions(&[
            (ConditionType::Accepted, Reason::Accepted),
            (ConditionType::Verified, Reason::Verified),
            (ConditionType::Programmed, Reason::Programmed),
        ]),
        server_info: Some(ServerInfo::bounded(
            &"n".repeat(1000),
            "1",
            &["2026-07-28".into(), "2025-11-25".into()],
            &["tools".into()],
        )),
        catalogue: Some(Catalogue { tools: 41, digest: format!("sha256:{}", "0".repeat(64)) }),
    };
    let stored = apply_status(&api, "McpServer", "a", &status).await;
    assert_eq!(stored.status, Some(status));
    assert_eq!(
        rows(&client, &namespace, "mcpservers").await,
        [
            vec![json!("a"), json!("github-mcp"), json!(41), json!("2026-07-28"), json!("True"), json!("True")],
            vec![json!("b"), json!("https://b.example/"), Value::Null, Value::Null, Value::Null, Value::Null],
        ]
    );
}

#[tokio::test]
async fn a_routes_row_shows_its_address_and_status() {
    let (client, namespace) = namespace().await;
    let (api, created) = create::<McpRoute>(&client, &namespace, "McpRoute", "r", route::base()).await;
    assert_eq!(created.spec.servers[0].prefix(), "github");
    assert_eq!(created.spec.servers[1].prefix(), "");

    let parent = RouteParent {
        parent_ref: ParentReference::fleet("default"),
        controller_name: CONTROLLER_NAME.to_owned(),
        conditions: conditions(&[
            (ConditionType::Accepted, Reason::Accepted),
            (ConditionType::Programmed, Reason::Programmed),
        ]),
        data_plane: Some(DataPlane {
            generation: 1,
            acknowledged: 3,
            total: 3,
            propagation: Some(Duration::from(std::time::Duration::from_millis(41))),
        }),
    };
    let server = RouteServerStatus { name: "github".to_owned(), tools: 37, hidden: 4, state: ServerState::Serving };
    let status = McpRouteStatus {
        parents: vec![parent],
        servers: vec![server],
        totals: Some(RouteTotals { servers: 2, tools: 37 }),
        endpoint: Some("https://mcp.acme.example/eng/mcp".to_owned()),
    };
    let stored = apply_status(&api, "McpRoute", "r", &status).await;
    assert_eq!(stored.status, Some(status));
    assert_eq!(
        rows(&client, &namespace, "mcproutes").await,
        [vec![
            json!("r"),
            json!("[\"mcp.acme.example\"]"),
            json!("/eng/mcp"),
            json!(2),
            json!(37),
            json!("True"),
            json!("True")
        ]]
    );
}

#[tokio::test]
async fn a_policys_row_shows_its_mode_and_status() {
    let (client, namespace) = namespace().await;
    let (api, created) = create::<McpPolicy>(&client, &namespace, "McpPolicy", "p", policy::base()).await;
    assert_eq!(created.spec.limits.request_bytes.expect("a limit").bytes(), Ok(1 << 20));

    let ancestor = PolicyAncestor {
        ancestor_ref: ParentReference::own("McpRoute", "engineering"),
        controller_name: CONTROLLER_NAME.to_owned(),
        conditions: conditions(&[
            (ConditionType::Accepted, Reason::Accepted),
            (ConditionType::Programmed, Reason::Programmed),
        ]),
    };
    let status = McpPolicyStatus { ancestors: vec![ancestor] };
    let stored = apply_status(&api, "McpPolicy", "p", &status).await;
    assert_eq!(stored.status, Some(status));
    assert_eq!(
        rows(&client, &namespace, "mcppolicies").await,
        [vec![json!("p"), json!("Enforce"), json!("True"), json!("True")]]
    );
}

#[tokio::test]
async fn status_in_a_users_object_is_not_stored() {
    let (client, namespace) = namespace().await;
    let api: Api<McpServer> = Api::namespaced(client, &namespace);
    let object = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "McpServer", "metadata": {"name": "a"},
        "spec": server::base(), "status": {"catalogue": {"tools": 1, "digest": "sha256:"}},
    });
    let object = serde_json::from_value(object).expect("an object");
    assert_eq!(api.create(&PostParams::default(), &object).await.expect("created").status, None);
}

#[tokio::test]
async fn each_kind_has_its_short_name_and_the_category() {
    let (client, _) = namespace().await;
    let served = client.list_api_group_resources(&format!("{GROUP}/{VERSION}")).await.expect("a list");
    for (kind, short) in [("McpServer", "mcps"), ("McpRoute", "mcpr"), ("McpPolicy", "mcpp")] {
        let resource = served.resources.iter().find(|resource| resource.kind == kind && !resource.name.contains('/'));
        let resource = resource.expect("the kind is served");
        assert_eq!(resource.short_names, Some(vec![short.to_owned()]));
        assert_eq!(resource.categories, Some(vec!["mcp".to_owned()]));
        assert!(
            served.resources.iter().any(|other| other.name == format!("{}/status", resource.name)),
            "{kind} has a status"
        );
    }
}
