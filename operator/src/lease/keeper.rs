//! Keeps one replica's part in the lease up: makes the calls that the candidate asks for, and tells the operator what it may do.
//!
//! The lease is a `coordination.k8s.io/v1` object in the release's namespace, so that `kubectl get lease` shows who serves. The operator needs `get`,
//! `create` and `update` on `leases` there, and nothing else: it never lists, watches or deletes them. Every write names the version that
//! it replaces. Decides nothing.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease as Stored, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, Client, api::PostParams};
use tokio_util::sync::CancellationToken;

use super::{
    Lease, TERM,
    candidate::{Answer, Call, Candidate, Draft},
    identity,
};
use crate::{object::Key, operator::Operator};

/// Longest wait for one answer: a holder has time for a second and a third try within its term.
const PATIENCE: Duration = Duration::from_secs(1);

/// Longest time that vacating may take; whoever waits for the lease has it in a term anyway.
const FAREWELL: Duration = Duration::from_secs(2);

/// A replica's name and where its lease is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The lease.
    pub lease: Key,
    /// Name of the replica, for people; its identity is made of it.
    pub name: String,
}

/// Stands for the lease until `stop`, then vacates it. An operator without its first lists would serve nothing, so it stands by until they are done.
pub async fn run(client: Client, settings: Settings, operator: Operator, stop: CancellationToken) {
    let identity = identity(&settings.name, fastrand::u32(..));
    let api = Api::namespaced(client, &settings.lease.namespace);
    let candidate = Candidate::new(identity, Instant::now());
    let mut keeper = Keeper { api, name: settings.lease.name, candidate, stored: None, operator };
    if stop.run_until_cancelled(keeper.operator.settled()).await.is_some() {
        stop.run_until_cancelled(keeper.stand()).await;
    }
    if tokio::time::timeout(FAREWELL, keeper.leave()).await.is_err() {
        tracing::warn!("the lease could not be vacated: the next holder waits for its end");
    }
}

struct Keeper {
    api: Api<Stored>,
    name: String,
    candidate: Candidate,
    /// The lease as it was last seen: what others wrote beside its fields stays.
    stored: Option<Stored>,
    operator: Operator,
}

impl Keeper {
    async fn stand(&mut self) {
        let mut claims = self.operator.claims();
        loop {
            self.turn().await;
            self.operator.set_tenure(self.candidate.tenure(Instant::now()));
            tokio::select! {
                () = tokio::time::sleep_until(self.candidate.due().into()) => {}
                changed = claims.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.candidate.claimed(*claims.borrow_and_update(), Instant::now());
                }
            }
        }
    }

    /// Makes the call that is due, if one is.
    async fn turn(&mut self) {
        let sent = Instant::now();
        let Some(call) = self.candidate.next(sent) else { return };
        let answer = tokio::time::timeout(PATIENCE, self.make(call)).await.unwrap_or_else(|_| {
            tracing::warn!(lease = self.name, "no answer about the lease");
            Answer::Failed
        });
        self.candidate.answered(answer, sent, Instant::now());
    }

    /// Vacates the lease, so that another replica has it in a moment.
    async fn leave(&mut self) {
        self.candidate.leave(Instant::now());
        self.operator.set_tenure(self.candidate.tenure(Instant::now()));
        while self.candidate.is_named() {
            self.turn().await;
            tokio::time::sleep_until(self.candidate.due().into()).await;
        }
    }

    async fn make(&mut self, call: Call) -> Answer {
        let made = match call {
            Call::Read => self.api.get_opt(&self.name).await.map(|stored| {
                self.stored = stored;
                Answer::Seen(self.stored.as_ref().map(lease))
            }),
            Call::Write(draft) => self.write(draft).await.map(|stored| {
                let written = Answer::Written(lease(&stored));
                self.stored = Some(stored);
                written
            }),
        };
        made.unwrap_or_else(|error| match &error {
            // Another version, or already there, or deleted since it was read; a namespace that is not there is found out by the next read.
            kube::Error::Api(status) if status.code == 409 || status.code == 404 && self.stored.is_some() => {
                Answer::Conflict
            }
            _ => {
                tracing::warn!(lease = self.name, %error, "the lease cannot be kept: it takes get, create and update");
                Answer::Failed
            }
        })
    }

    async fn write(&self, draft: Draft) -> Result<Stored, kube::Error> {
        let anew = draft.over.is_none();
        let lease = drafted(self.stored.clone().unwrap_or_default(), &self.name, draft, Timestamp::now());
        let parameters = PostParams::default();
        if anew {
            self.api.create(&parameters, &lease).await
        } else {
            self.api.replace(&self.name, &parameters, &lease).await
        }
    }
}

/// The lease as the API server has it. Its times are another machine's, and nobody reads them.
fn lease(stored: &Stored) -> Lease {
    let spec = stored.spec.as_ref();
    let transitions = spec.and_then(|spec| spec.lease_transitions).unwrap_or_default();
    let term = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    Lease {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty()),
        epoch: u64::try_from(transitions).unwrap_or_default() + 1,
        term: term.map_or(TERM, Duration::from_secs),
        version: stored.metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// `stored` as `draft` wants it, at this time of the wall clock: it is there for people.
fn drafted(stored: Stored, name: &str, draft: Draft, now: Timestamp) -> Stored {
    let spec = stored.spec.unwrap_or_default();
    let taken = spec.holder_identity != draft.holder;
    let spec = LeaseSpec {
        acquire_time: if taken { Some(MicroTime(now)) } else { spec.acquire_time },
        holder_identity: draft.holder,
        lease_duration_seconds: i32::try_from(TERM.as_secs()).ok(),
        lease_transitions: draft.epoch.checked_sub(1).and_then(|transitions| i32::try_from(transitions).ok()),
        renew_time: Some(MicroTime(now)),
        ..spec
    };
    let metadata = ObjectMeta { name: Some(name.to_owned()), resource_version: draft.over, ..stored.metadata };
    Stored { metadata, spec: Some(spec) }
}

#[cfg(test)]
mod tests;
