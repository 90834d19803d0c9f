//! One watch of Secrets per namespace that holds a reference and grants it. What nobody references is dropped at the edge.
//!
//! A grant is asked for again every ten seconds, and a lost one revokes even if the watch still runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, runtime::watcher};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Source, feed, grants, relist::Change};
use crate::{
    index::Grant,
    object::{Key, Kind, ObjectKey},
};

/// How long a withdrawn grant may go unnoticed.
const RECHECK: Duration = Duration::from_secs(10);

/// Pause after references changed, so that a list of new servers is one round.
const GATHER: Duration = Duration::from_millis(50);

/// A running watch of one namespace; dropping it ends the watch.
struct Running {
    names: BTreeSet<String>,
    _stop: DropGuard,
}

/// Keeps the watches in step with references and grants, until it is dropped.
pub(super) async fn run(source: Source) {
    let mut references = source.operator.secret_references();
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    source.operator.listed().await;
    loop {
        let wanted = by_namespace(&references.borrow_and_update());
        running.retain(|namespace, _| wanted.contains_key(namespace));
        source.operator.forget_grants(|namespace| !wanted.contains_key(namespace));
        for (namespace, names) in wanted {
            settle(&source, &mut running, namespace, names).await;
        }
        tokio::select! {
            changed = references.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(GATHER).await;
            }
            () = tokio::time::sleep(RECHECK) => {}
        }
    }
}

/// Brings one namespace's watch in step with its grant and with the names that are referenced in it.
async fn settle(source: &Source, running: &mut BTreeMap<String, Running>, namespace: String, names: BTreeSet<String>) {
    match grants::granted(&source.client, &namespace).await {
        None => {}
        Some(false) => {
            running.remove(&namespace);
            source.operator.set_grant(&namespace, Grant::Denied);
        }
        // A new name may have passed the edge unseen, so the namespace is listed again.
        Some(true) if running.get(&namespace).is_none_or(|watch| !names.is_subset(&watch.names)) => {
            running.remove(&namespace);
            let watch = start(source, &namespace, names);
            running.insert(namespace, watch);
        }
        Some(true) => {}
    }
}

fn start(source: &Source, namespace: &str, names: BTreeSet<String>) -> Running {
    let stop = CancellationToken::new();
    let (source, token, namespace, kept) = (source.clone(), stop.clone(), namespace.to_owned(), names.clone());
    tokio::spawn(async move {
        let api = Api::namespaced(source.client.clone(), &namespace);
        let (operator, metrics) = (&source.operator, &source.metrics);
        let deliver = |change| match referenced(change, &kept) {
            Some(Change::Apply(object)) => operator.apply(object),
            Some(Change::Delete(key)) => operator.delete(&key),
            Some(Change::Replace(objects)) => {
                operator.replace(Secret::KIND, Some(&namespace), objects);
                operator.set_grant(&namespace, Grant::Listed);
            }
            None => {}
        };
        token.run_until_cancelled(feed::<Secret>(api, watcher::Config::default(), metrics, deliver)).await
    });
    Running { names, _stop: stop.drop_guard() }
}

/// What passes the edge: nothing of a Secret that nobody names.
fn referenced(change: Change, names: &BTreeSet<String>) -> Option<Change> {
    let is_named = |key: &ObjectKey| names.contains(&key.key.name);
    match change {
        Change::Apply(object) => is_named(&object.key()).then_some(Change::Apply(object)),
        Change::Delete(key) => is_named(&key).then_some(Change::Delete(key)),
        Change::Replace(mut objects) => {
            objects.retain(|object| is_named(&object.key()));
            Some(Change::Replace(objects))
        }
    }
}

fn by_namespace(references: &BTreeSet<Key>) -> BTreeMap<String, BTreeSet<String>> {
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in references {
        namespaces.entry(key.namespace.clone()).or_default().insert(key.name.clone());
    }
    namespaces
}

#[cfg(test)]
mod tests;
