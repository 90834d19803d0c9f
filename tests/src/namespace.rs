//! A namespace as its users have it: objects are applied, edited and deleted there, and conditions are waited for.

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
    runtime::wait::await_condition,
};
use serde_json::Value;

use crate::cluster::{Cluster, PATIENCE};

/// A namespace of one test.
pub struct Namespace {
    /// The administrator's client.
    pub client: Client,
    /// Its name.
    pub name: String,
}

impl Namespace {
    /// A new one.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn new(cluster: &Cluster, purpose: &str) -> anyhow::Result<Self> {
        let client = cluster.client().await?;
        let name = cluster.namespace(&client, purpose).await?;
        Ok(Self { client, name })
    }

    /// The path of this namespace's route `name`: no other test's.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        format!("/{}/{name}", self.name)
    }

    /// Objects of a kind, by the words of its manifest.
    #[must_use]
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        let (group, version) = match kind {
            "McpServer" | "McpRoute" | "McpPolicy" => (portolan_crds::GROUP, portolan_crds::VERSION),
            "EndpointSlice" => ("discovery.k8s.io", "v1"),
            "RoleBinding" => ("rbac.authorization.k8s.io", "v1"),
            "Event" => ("events.k8s.io", "v1"),
            _ => ("", "v1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.name, &resource)
    }

    /// Applies an object as a user does: what an earlier version said and this one does not say is gone.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn apply(&self, object: &Value) -> anyhow::Result<()> {
        Ok(self.try_apply(object).await?)
    }

    /// The same, for whoever wants to know what the API server said.
    ///
    /// # Errors
    /// The API server refuses it, or is not there.
    pub async fn try_apply(&self, object: &Value) -> Result<(), kube::Error> {
        let (kind, name) = names(object);
        let parameters = PatchParams::apply("somebody").force();
        self.api(kind).patch(name, &parameters, &Patch::Apply(object)).await.map(drop)
    }

    /// Applies several, in their order.
    ///
    /// # Errors
    /// The API server refuses one.
    pub async fn apply_all(&self, objects: &[Value]) -> anyhow::Result<()> {
        for object in objects {
            self.apply(object).await?;
        }
        Ok(())
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// There is none.
    pub async fn delete(&self, kind: &str, name: &str) -> anyhow::Result<()> {
        Ok(self.try_delete(kind, name).await?)
    }

    /// The same, for whoever wants to know what the API server said.
    ///
    /// # Errors
    /// There is none, or no API server.
    pub async fn try_delete(&self, kind: &str, name: &str) -> Result<(), kube::Error> {
        self.api(kind).delete(name, &DeleteParams::default()).await.map(drop)
    }

    /// The object as it is now.
    ///
    /// # Errors
    /// There is none.
    pub async fn get(&self, kind: &str, name: &str) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(self.api(kind).get(name).await?)?)
    }

    /// Waits until an object is as `is` says, and gives it.
    ///
    /// # Panics
    /// When it is not in time; the message shows the object.
    pub async fn until(&self, kind: &str, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let as_json = |object: &DynamicObject| serde_json::to_value(object).unwrap_or_default();
        let condition = |object: Option<&DynamicObject>| object.is_some_and(|object| is(&as_json(object)));
        let waited = tokio::time::timeout(PATIENCE, await_condition(self.api(kind), name, condition)).await;
        if let Ok(Ok(Some(object))) = &waited {
            return as_json(object);
        }
        let now = self.get(kind, name).await.unwrap_or_default();
        panic!("not within {PATIENCE:?}: {kind} {name} {what}; its status is {:#}", now["status"])
    }

    /// Waits until a condition of the object's newest generation has this status and reason, and gives the condition.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn becomes(&self, kind: &str, name: &str, condition: &str, status: &str, reason: &str) -> Value {
        let what = format!("becomes {condition}={status}, {reason}");
        let is = |object: &Value| {
            self::condition(object, condition).is_some_and(|found| {
                found["status"] == status
                    && found["reason"] == reason
                    && found["observedGeneration"] == object["metadata"]["generation"]
            })
        };
        let object = self.until(kind, name, &what, is).await;
        self::condition(&object, condition).cloned().unwrap_or_default()
    }

    /// Waits until the newest generation of each object is in force on every gateway.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn programmed(&self, objects: &[Value]) {
        for object in objects {
            let (kind, name) = names(object);
            if kind.starts_with("Mcp") {
                self.becomes(kind, name, "Programmed", "True", "Programmed").await;
            }
        }
    }
}

/// A condition of an object of ours: of a route's first parent, of a policy's first target.
#[must_use]
pub fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let status = &object["status"];
    let all = match object["kind"].as_str() {
        Some("McpRoute") => &status["parents"][0]["conditions"],
        Some("McpPolicy") => &status["ancestors"][0]["conditions"],
        _ => &status["conditions"],
    };
    all.as_array()?.iter().find(|condition| condition["type"] == name)
}

fn names(object: &Value) -> (&str, &str) {
    (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default())
}
