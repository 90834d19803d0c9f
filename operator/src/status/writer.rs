//! Writes statuses by server-side apply (by a merge patch where an object is malformed): only what differs, at most 50 a second, each at most 5 seconds, again with backoff where it failed.
//!
//! A replica that does not hold the lease writes none, and one that holds it no longer without knowing overwrites nothing: every write names
//! the version that it was made for.
//!
//! Decides nothing about what a status says. Conditions that change become Events.

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use portolan_crds::{GROUP, McpPolicy, McpRoute, McpServer, VERSION, bounds};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    Transition, Update,
    ledger::{Ledger, Verdict},
};
use crate::{
    metrics::Metrics,
    object::{ObjectKey, ObjectKind},
    operator::Operator,
};

/// Who owns the fields of status.
const MANAGER: &str = "portolan-operator";

/// Time between two writes.
const PACE: Duration = Duration::from_millis(20);

/// Longest wait for one write: the client's own retries go on for minutes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long acknowledgements may take to become part of the first write that tells of an edit.
const GATHER: Duration = Duration::from_millis(100);

/// How often what depends on the time is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Characters of an Event's note (events.k8s.io/v1).
const NOTE: usize = 1000;

/// Writes what is due until `stop`.
pub async fn run(client: Client, operator: Operator, metrics: Metrics, stop: CancellationToken) {
    let reporter = Reporter { controller: portolan_crds::CONTROLLER_NAME.to_owned(), instance: None };
    let recorder = Recorder::new(client.clone(), reporter);
    let writer = Writer { client, recorder, operator, metrics, retries: BTreeMap::new(), ledger: Ledger::default() };
    stop.run_until_cancelled(writer.run()).await;
}

struct Writer {
    client: Client,
    recorder: Recorder,
    operator: Operator,
    metrics: Metrics,
    /// Writes that failed, or have to wait: when to look at them again, if that is still to come, and how often they have failed.
    retries: BTreeMap<ObjectKey, (Option<Instant>, u32)>,
    ledger: Ledger,
}

enum Outcome {
    /// With the version that it has made.
    Written(Option<String>),
    Gone,
    /// Somebody else has written since: what it says now is told by the watch.
    Conflict,
    Failed,
}

impl Writer {
    async fn run(mut self) {
        let mut changes = self.operator.status_changes();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Not a pause in each round: where something always changes, it would never be over.
        let mut time = tokio::time::interval(TICK);
        time.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.requeue();
            while let Some(update) = self.operator.next_update() {
                match self.ledger.judge(&update, Instant::now().into_std()) {
                    Verdict::Skip => {}
                    Verdict::Later(at) => {
                        self.retries.entry(update.object).or_default().0 = Some(at.into());
                    }
                    Verdict::Write(over) => {
                        pace.tick().await;
                        self.write(update, over).await;
                    }
                }
            }
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(GATHER).await;
                }
                _ = time.tick() => {
                    self.operator.tick();
                    self.operator.retain_known(self.ledger.entries());
                    self.operator.retain_known(&mut self.retries);
                }
            }
        }
    }

    /// Puts back what has waited long enough.
    fn requeue(&mut self) {
        let now = Instant::now();
        for (key, (at, _)) in &mut self.retries {
            if at.take_if(|at| *at <= now).is_some() {
                self.operator.requeue(key.clone());
            }
        }
    }

    async fn write(&mut self, update: Update, over: Option<String>) {
        // The lease may have ended since the update was made.
        if !self.operator.writes() {
            return self.operator.requeue(update.object);
        }
        match self.patch(&update, over.as_deref()).await {
            Outcome::Written(own) => {
                self.retries.remove(&update.object);
                self.metrics.status_written("written");
                self.tell(&update).await;
                self.ledger.written(update, over, own, Instant::now().into_std());
            }
            Outcome::Gone => {
                self.retries.remove(&update.object);
                self.ledger.forget(&update.object);
                self.metrics.status_written("gone");
            }
            Outcome::Conflict => {
                let times = self.retries.get(&update.object).map_or(0, |(_, times)| *times);
                self.retries.insert(update.object, (Some(Instant::now() + backoff(times)), times + 1));
                self.metrics.status_written("conflict");
            }
            Outcome::Failed => {
                let times = self.retries.get(&update.object).map_or(0, |(_, times)| *times);
                // Where a rule of the definition stands on the very field, the API server takes no status at all: an Event is what is left.
                if update.malformed && times == 0 {
                    self.tell(&update).await;
                }
                self.retries.insert(update.object, (Some(Instant::now() + backoff(times)), times + 1));
                self.metrics.status_written("failed");
            }
        }
    }

    async fn patch(&self, update: &Update, over: Option<&str>) -> Outcome {
        let attempt = async {
            match update.object.kind {
                ObjectKind::McpServer => self.apply::<McpServer>(update, over).await,
                ObjectKind::McpRoute => self.apply::<McpRoute>(update, over).await,
                _ => self.apply::<McpPolicy>(update, over).await,
            }
        };
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(own)) => Outcome::Written(own),
            Ok(Err(kube::Error::Api(status))) if status.is_not_found() => Outcome::Gone,
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => Outcome::Conflict,
            Ok(Err(error)) => {
                tracing::warn!(object = %update.object, %error, "status not written");
                Outcome::Failed
            }
            Err(_) => {
                tracing::warn!(object = %update.object, "status not written: no answer");
                Outcome::Failed
            }
        }
    }

    /// Gives the version that the write has made.
    async fn apply<K>(&self, update: &Update, over: Option<&str>) -> Result<Option<String>, kube::Error>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        // Nor in the answer: an object that cannot be read as `K` gets its condition all the same.
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &update.object.key.namespace, &resource);
        // Never the typed object: it carries `spec`, and whoever applies a field owns it.
        let mut body = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": update.object.kind.as_str(),
            "status": update.status,
        });
        // With the uid, a status that was meant for an object that is gone never lands on its successor.
        if let Some(uid) = &update.uid {
            body["metadata"]["uid"] = json!(uid);
        }
        if let Some(over) = over {
            body["metadata"]["resourceVersion"] = json!(over);
        }
        let name = &update.object.key.name;
        let written = if update.malformed {
            // The API server applies nothing to an object that its definition cannot describe; a patch that leaves the mistake alone it takes.
            let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            api.patch_status(name, &parameters, &Patch::Merge(body)).await?
        } else {
            api.patch_status(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body)).await?
        };
        Ok(written.metadata.resource_version)
    }

    /// One Event for each transition; one that is lost is no harm.
    async fn tell(&self, update: &Update) {
        let reference = k8s_openapi::api::core::v1::ObjectReference {
            api_version: Some(format!("{GROUP}/{VERSION}")),
            kind: Some(update.object.kind.as_str().to_owned()),
            namespace: Some(update.object.key.namespace.clone()),
            name: Some(update.object.key.name.clone()),
            uid: update.uid.clone(),
            ..k8s_openapi::api::core::v1::ObjectReference::default()
        };
        for transition in &update.transitions {
            let told = tokio::time::timeout(PATIENCE, self.recorder.publish(&event(transition), &reference)).await;
            if let Ok(Err(error)) = told {
                tracing::debug!(object = %update.object, %error, "event not recorded");
            }
        }
    }
}

fn event(transition: &Transition) -> Event {
    Event {
        type_: if transition.warning { EventType::Warning } else { EventType::Normal },
        reason: transition.reason.clone(),
        note: Some(bounds::clip(&transition.message, NOTE)),
        action: transition.condition.clone(),
        secondary: None,
    }
}

/// 0.2 s, doubled with every failure, at most 30 s.
fn backoff(times: u32) -> Duration {
    Duration::from_millis(200 * 2_u64.pow(times.min(8))).min(Duration::from_secs(30))
}
