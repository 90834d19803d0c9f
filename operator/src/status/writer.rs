//! Writes statuses by server-side apply (by a merge patch where an object is malformed): only what differs, at most 200 a second and 8 at a time, each at most 5 seconds, again with backoff
//! where it failed. Of one object one at a time.
//!
//! A replica that does not hold the lease writes none, and one that holds it no longer without knowing overwrites nothing: every write names
//! the version that it was made for.
//!
//! Decides nothing about what a status says. Conditions that change become Events.

use std::{collections::BTreeMap, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use portolan_crds::{GROUP, McpPolicy, McpRoute, McpServer, VERSION, bounds};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior},
};
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

/// Time between two writes: twenty thousand objects are told in under two minutes, and the API server has time for others.
const PACE: Duration = Duration::from_millis(5);

/// Writes under way at a time.
const AT_ONCE: usize = 8;

/// Events that wait to be recorded; what comes on top is dropped: when everything changes at once, statuses tell it.
const EVENTS: usize = 1000;

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
    let (events, told) = mpsc::channel(EVENTS);
    let writer = Writer {
        client,
        events,
        operator,
        metrics,
        retries: BTreeMap::new(),
        ledger: Ledger::default(),
        under_way: FuturesUnordered::new(),
        busy: BTreeMap::new(),
        drained: true,
    };
    let both = async { tokio::join!(writer.run(), record(recorder, told)) };
    stop.run_until_cancelled(both).await;
}

/// Records Events, one after the other: they never hold up a status.
async fn record(recorder: Recorder, mut events: mpsc::Receiver<(Event, ObjectReference)>) {
    while let Some((event, reference)) = events.recv().await {
        let told = tokio::time::timeout(PATIENCE, recorder.publish(&event, &reference)).await;
        if let Ok(Err(error)) = told {
            tracing::debug!(object = reference.name, %error, "event not recorded");
        }
    }
}

struct Writer {
    client: Client,
    events: mpsc::Sender<(Event, ObjectReference)>,
    operator: Operator,
    metrics: Metrics,
    /// Writes that failed, or have to wait: when to look at them again, if that is still to come, and how often they have failed.
    retries: BTreeMap<ObjectKey, (Option<Instant>, u32)>,
    ledger: Ledger,
    under_way: FuturesUnordered<BoxFuture<'static, Written>>,
    /// Whose write is under way, and whether it is due again: what it says now is judged by what that write has made.
    busy: BTreeMap<ObjectKey, bool>,
    /// Nothing is due but what has changed since.
    drained: bool,
}

/// A write that has ended.
struct Written {
    update: Update,
    over: Option<String>,
    outcome: Outcome,
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
        let mut gathered = Instant::now();
        loop {
            self.requeue();
            if gathered <= Instant::now() {
                self.begin_due(&mut pace).await;
            }
            tokio::select! {
                Some(written) = self.under_way.next() => self.ended(written),
                changed = changes.changed(), if self.drained => {
                    if changed.is_err() {
                        return;
                    }
                    (self.drained, gathered) = (false, Instant::now() + GATHER);
                }
                () = tokio::time::sleep_until(gathered), if gathered > Instant::now() => {}
                _ = time.tick() => {
                    self.operator.tick();
                    self.operator.retain_known(self.ledger.entries());
                    self.operator.retain_known(&mut self.retries);
                }
            }
        }
    }

    /// Begins what is due, as far as there is room.
    async fn begin_due(&mut self, pace: &mut Interval) {
        while self.busy.len() < AT_ONCE {
            let Some(update) = self.operator.next_update() else {
                self.drained = true;
                return;
            };
            if let Some(again) = self.busy.get_mut(&update.object) {
                *again = true;
                continue;
            }
            match self.ledger.judge(&update, Instant::now().into_std()) {
                Verdict::Skip => {}
                Verdict::Later(at) => {
                    self.retries.entry(update.object).or_default().0 = Some(at.into());
                }
                Verdict::Write(over) => {
                    pace.tick().await;
                    self.begin(update, over);
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

    fn begin(&mut self, update: Update, over: Option<String>) {
        // The lease may have ended since the update was made.
        if !self.operator.writes() {
            return self.operator.requeue(update.object);
        }
        self.busy.insert(update.object.clone(), false);
        let client = self.client.clone();
        let write = async move {
            let outcome = patch(&client, &update, over.as_deref()).await;
            Written { update, over, outcome }
        };
        self.under_way.push(write.boxed());
    }

    fn ended(&mut self, Written { update, over, outcome }: Written) {
        let object = update.object.clone();
        match outcome {
            Outcome::Written(own) => {
                self.retries.remove(&object);
                self.metrics.status_written("written");
                self.tell(&update);
                self.ledger.written(update, over, own, Instant::now().into_std());
            }
            Outcome::Gone => {
                self.retries.remove(&object);
                self.ledger.forget(&object);
                self.metrics.status_written("gone");
            }
            Outcome::Conflict => {
                self.try_again(&object);
                self.metrics.status_written("conflict");
            }
            Outcome::Failed => {
                // Where a rule of the definition stands on the very field, the API server takes no status at all: an Event is what is left.
                if self.try_again(&object) == 0 && update.malformed {
                    self.tell(&update);
                }
                self.metrics.status_written("failed");
            }
        }
        if self.busy.remove(&object).unwrap_or_default() {
            self.operator.requeue(object);
            self.drained = false;
        }
    }

    /// Puts a write off that failed; how often it had failed before.
    fn try_again(&mut self, object: &ObjectKey) -> u32 {
        let times = self.retries.get(object).map_or(0, |(_, times)| *times);
        self.retries.insert(object.clone(), (Some(Instant::now() + backoff(times)), times + 1));
        times
    }

    /// One Event for each transition; one that is lost is no harm.
    fn tell(&self, update: &Update) {
        let reference = ObjectReference {
            api_version: Some(format!("{GROUP}/{VERSION}")),
            kind: Some(update.object.kind.as_str().to_owned()),
            namespace: Some(update.object.key.namespace.clone()),
            name: Some(update.object.key.name.clone()),
            uid: update.uid.clone(),
            ..ObjectReference::default()
        };
        for transition in &update.transitions {
            if self.events.try_send((event(transition), reference.clone())).is_err() {
                tracing::debug!(object = %update.object, "event dropped: too many");
            }
        }
    }
}

async fn patch(client: &Client, update: &Update, over: Option<&str>) -> Outcome {
    let attempt = async {
        match update.object.kind {
            ObjectKind::McpServer => apply::<McpServer>(client, update, over).await,
            ObjectKind::McpRoute => apply::<McpRoute>(client, update, over).await,
            _ => apply::<McpPolicy>(client, update, over).await,
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
async fn apply<K>(client: &Client, update: &Update, over: Option<&str>) -> Result<Option<String>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    // Nor in the answer: an object that cannot be read as `K` gets its condition all the same.
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &update.object.key.namespace, &resource);
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
