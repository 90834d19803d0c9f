//! The operator's account, with exactly the permissions that the chart's roles grant.
//!
//! Never the administrator's: an operator that needs more than the chart gives must fail here first.

use std::{fs, path::Path};

use anyhow::Context as _;
use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{Namespace, ServiceAccount},
    rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::cluster::Cluster;

/// Namespace of the release under test.
pub const NAMESPACE: &str = "portolan-system";
/// The operator's ServiceAccount and ClusterRole.
pub const NAME: &str = "portolan-operator";
/// The Role of the release's namespace.
const IDENTITY: &str = "portolan-identity";
/// The Role by which it keeps its lease.
const LEASE: &str = "portolan-lease";
/// The ClusterRole that a namespace's owner binds.
pub const SECRET_READER: &str = "portolan-secret-reader";

/// Makes the account with the chart's roles, and writes a kubeconfig for it.
///
/// # Errors
/// The API server refuses something, or the chart's files cannot be read.
pub async fn write_kubeconfig(cluster: &Cluster, client: &Client, file: &Path) -> anyhow::Result<()> {
    for role in ["operator", "secret-reader"] {
        apply::<ClusterRole>(Api::all(client.clone()), &chart(role)?).await?;
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    apply::<Namespace>(Api::all(client.clone()), &namespace).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}});
    apply(accounts.clone(), &account).await?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": NAME}],
    });
    apply::<ClusterRoleBinding>(Api::all(client.clone()), &binding).await?;
    for role in [IDENTITY, LEASE] {
        let file = role.trim_start_matches("portolan-");
        apply::<Role>(Api::namespaced(client.clone(), NAMESPACE), &chart(file)?).await?;
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": NAMESPACE},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": NAME}],
        });
        apply::<RoleBinding>(Api::namespaced(client.clone(), NAMESPACE), &binding).await?;
    }
    let issued = accounts.create_token_request(NAME, &PostParams::default(), &TokenRequest::default()).await?;
    let token = issued.status.context("no token was issued")?.token;
    let text = fs::read_to_string(cluster.kubeconfig())?;
    let mut kubeconfig: Value = serde_saphyr::from_str(&text).context("the administrator's kubeconfig")?;
    let user = kubeconfig["users"][0]["name"].clone();
    kubeconfig["users"] = json!([{"name": user, "user": {"token": token}}]);
    fs::write(file, kubeconfig.to_string())?;
    Ok(())
}

/// A manifest of the chart's RBAC.
///
/// # Errors
/// It is not there, or not YAML.
pub fn chart(role: &str) -> anyhow::Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/portolan/rbac").join(role).with_extension("yaml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_saphyr::from_str(&text).with_context(|| path.display().to_string())
}

async fn apply<K>(api: Api<K>, object: &Value) -> anyhow::Result<()>
where
    K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let name = object["metadata"]["name"].as_str().context("a name")?;
    api.patch(name, &PatchParams::apply("portolan-tests").force(), &Patch::Apply(object)).await?;
    Ok(())
}
