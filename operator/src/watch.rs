//! The edge to the API server: guarded watches that feed the index.
//!
//! Events in, `apply`, `delete` and `replace` out. No decision, and no error that ends a watch.

pub(crate) mod backoff;
mod grants;
mod relist;
mod secrets;

use std::fmt::Debug;

use futures::StreamExt;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{core::v1::Service, discovery::v1::EndpointSlice},
};
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt, watcher, watcher::watcher as watch},
};
use portolan_crds::{McpPolicy, McpRoute, McpServer};
use serde::de::DeserializeOwned;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::grants::grantee;
use self::relist::{Change, Relist};
use crate::{
    metrics::Metrics,
    object::{Kind, Stored},
    operator::Operator,
};

/// Objects per page of a first list.
const PAGE: u32 = 500;

/// Where `kubectl apply` keeps an object as it was applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Starts every watch; they end with `stop`.
pub fn start(client: &Client, operator: &Operator, metrics: &Metrics, tasks: &TaskTracker, stop: &CancellationToken) {
    let source = Source { client: client.clone(), operator: operator.clone(), metrics: metrics.clone() };
    let all = watcher::Config::default().page_size(PAGE);
    let of_services = all.clone().labels("kubernetes.io/service-name");
    spawn::<McpServer>(&source, all.clone(), tasks, stop);
    spawn::<McpRoute>(&source, all.clone(), tasks, stop);
    spawn::<McpPolicy>(&source, all.clone(), tasks, stop);
    spawn::<Service>(&source, all, tasks, stop);
    spawn::<EndpointSlice>(&source, of_services, tasks, stop);
    let (secrets, stop) = (secrets::run(source), stop.clone());
    tasks.spawn(async move { stop.run_until_cancelled(secrets).await });
}

/// Where objects come from and where they go.
#[derive(Clone)]
struct Source {
    client: Client,
    operator: Operator,
    metrics: Metrics,
}

/// What every watched kind can do.
trait Watched:
    Kind + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}

impl<K> Watched for K where
    K: Kind
        + Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static
{
}

fn spawn<K: Watched>(source: &Source, config: watcher::Config, tasks: &TaskTracker, stop: &CancellationToken) {
    let (source, stop, api) = (source.clone(), stop.clone(), Api::all(source.client.clone()));
    tasks.spawn(async move {
        let operator = source.operator.clone();
        let deliver = |change| match change {
            Change::Apply(object) => operator.apply(object),
            Change::Delete(key) => operator.delete(&key),
            Change::Replace(objects) => operator.replace(K::KIND, None, objects),
        };
        stop.run_until_cancelled(feed::<K>(api, config, &source.metrics, deliver)).await
    });
}

/// Delivers the changes of one kind until it is dropped. The watcher recovers by itself from a closed watch, from an event that says 410 Gone
/// and from an API server that is away; a request that is answered 410 it would repeat for ever, so it is made anew.
async fn feed<K: Watched>(
    api: Api<Stored<K>>,
    config: watcher::Config,
    metrics: &Metrics,
    mut deliver: impl FnMut(Change),
) {
    let kind = K::KIND.as_str();
    loop {
        let events = watch(api.clone(), config.clone()).backoff(backoff::Pauses::default());
        let mut events = std::pin::pin!(events);
        let mut relist = Relist::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let event = event.modify(trim);
                    if let Some(change) = relist.take(event) {
                        deliver(change);
                    }
                }
                Err(error) => {
                    metrics.watch_failed(kind);
                    tracing::warn!(kind, %error, "watch failed, trying again");
                    if is_too_old(&error) {
                        break;
                    }
                }
            }
        }
        tokio::time::sleep(backoff::LONGEST).await;
    }
}

/// Drops what nobody reads and what is most of an object's bytes: its fields' managers, and the whole of it once more, as `kubectl apply` keeps it.
fn trim<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.remove(LAST_APPLIED);
    }
}

/// Whether a watch was refused since its version is compacted.
fn is_too_old(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

#[cfg(test)]
mod tests;
