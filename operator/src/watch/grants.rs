//! Asks the API server whether a namespace lets us read its Secrets.

use std::time::Duration;

use k8s_openapi::api::{
    authentication::v1::SelfSubjectReview,
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a watch of Secrets needs.
const VERBS: [&str; 3] = ["get", "list", "watch"];

/// Whether we may read Secrets in `namespace`; `None`: nobody could say, so whatever was known still holds.
pub(super) async fn granted(client: &Client, namespace: &str) -> Option<bool> {
    for verb in VERBS {
        match tokio::time::timeout(PATIENCE, review(client, namespace, verb)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Some(false),
            Ok(Err(error)) => {
                tracing::warn!(namespace, verb, %error, "cannot ask whether Secrets may be read");
                return None;
            }
            Err(_) => {
                tracing::warn!(namespace, verb, "no answer whether Secrets may be read");
                return None;
            }
        }
    }
    Some(true)
}

/// Whom a namespace grants its Secrets to: the flag of `kubectl create rolebinding` that names us. `None`: nobody could say.
pub async fn grantee(client: &Client) -> Option<String> {
    let request = SelfSubjectReview::default();
    let asked = async { Api::all(client.clone()).create(&PostParams::default(), &request).await };
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    let name = answer.status?.user_info?.username?;
    let account = name.strip_prefix("system:serviceaccount:").map(|account| format!("--serviceaccount={account}"));
    Some(account.unwrap_or_else(|| format!("--user={name}")))
}

async fn review(client: &Client, namespace: &str, verb: &str) -> Result<bool, kube::Error> {
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(verb.to_owned()),
        resource: Some("secrets".to_owned()),
        version: Some("v1".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let request = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &request).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
