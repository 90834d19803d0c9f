//! The operator of every test here works with the chart's permissions: what those leave out, the API server refuses it.

use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
    core::v1::Secret,
};
use kube::{
    Api, Client, Config,
    api::{DynamicObject, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use portolan_tests::account::chart;

use crate::setup::Setup;

async fn operator(setup: &Setup) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read_from(setup.fleet.kubeconfig())?;
    Ok(Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)?)
}

async fn may(client: &Client, verb: &str, group: &str, resource: &str, namespace: &str) -> anyhow::Result<bool> {
    let (resource, subresource) =
        resource.split_once('/').map_or((resource, None), |(one, two)| (one, Some(two.to_owned())));
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[tokio::test]
async fn the_operator_may_do_what_it_needs_and_nothing_else() -> anyhow::Result<()> {
    let setup = Setup::new("rbac").await?;
    let (client, namespace) = (operator(&setup).await?, setup.namespace.name.as_str());
    assert!(may(&client, "patch", "portolan.dev", "mcproutes/status", namespace).await?);
    assert!(may(&client, "watch", "discovery.k8s.io", "endpointslices", namespace).await?);
    let refused = [
        ("patch", "portolan.dev", "mcproutes"),
        ("create", "portolan.dev", "mcpservers"),
        ("delete", "portolan.dev", "mcppolicies"),
        ("get", "", "secrets"),
        ("list", "", "secrets"),
        ("get", "", "configmaps"),
        ("list", "", "pods"),
        ("create", "", "pods/exec"),
        ("impersonate", "", "users"),
        ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ];
    for (verb, group, resource) in refused {
        assert!(!may(&client, verb, group, resource, namespace).await?, "{verb} {resource}");
    }
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let listed = secrets.list(&ListParams::default()).await;
    assert!(matches!(&listed, Err(kube::Error::Api(status)) if status.code == 403), "{listed:?}");
    let mut route: DynamicObject = setup.namespace.api("McpRoute").get("eng").await?;
    route.data["spec"]["path"] = "/stolen".into();
    let routes = Api::<DynamicObject>::namespaced_with(
        client,
        namespace,
        &kube::core::ApiResource::erase::<portolan_crds::McpRoute>(&()),
    );
    let edited = routes.replace("eng", &PostParams::default(), &route).await;
    assert!(matches!(&edited, Err(kube::Error::Api(status)) if status.code == 403), "{edited:?}");
    Ok(())
}

#[test]
fn the_charts_roles_name_what_they_grant() -> anyhow::Result<()> {
    for role in ["operator", "secret-reader"] {
        let text = chart(role)?.to_string();
        assert!(!text.contains('*'), "{role} grants nothing by a wildcard");
        assert!(text.contains("secrets") == (role == "secret-reader"), "only the secret reader reads Secrets");
    }
    let identity = chart("identity")?;
    assert_eq!(identity["kind"], "Role", "the identity's Secrets are those of one namespace");
    for rule in identity["rules"].as_array().expect("rules") {
        let creates = rule["verbs"] == serde_json::json!(["create"]);
        assert!(creates || rule["resourceNames"].is_array(), "it reads and writes Secrets by name: {rule}");
    }
    Ok(())
}
