//! When servers are looked at: at once when assigned, again at jittered intervals, sooner when something is wrong, has changed or is in doubt.
//! Each server has a task of its own, so that a slow one costs the others nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portolan_config::{Name, proto};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::examine::examine;
use super::report::Finding;
use super::target::Target;

/// Looks under way at once, over all servers.
const AT_ONCE: usize = 32;
/// Findings that wait for the stream before the looks wait, too.
const WAITING: usize = 64;
/// A server that fails is looked at again after this, doubled at each failure, at most the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Looks at the servers that this gateway is assigned. Must be used within a runtime; dropping it ends all looks.
pub struct Prober {
    watched: BTreeMap<Name, Watched>,
    tried: Arc<Mutex<BTreeSet<Name>>>,
    findings: mpsc::Sender<Finding>,
    at_once: Arc<Semaphore>,
}

struct Watched {
    target: Target,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Prober {
    /// A prober without servers, and what it will find: for each server the first result, and after that what is new.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Finding>) {
        let (findings, receiver) = mpsc::channel(WAITING);
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        (Self { watched: BTreeMap::new(), tried: Arc::default(), findings, at_once }, receiver)
    }

    /// Looks at these servers from now on, and at no others. One that is new or changed is looked at at once.
    pub fn assign(&mut self, targets: Vec<Target>) {
        let mut watched = BTreeMap::new();
        for target in targets {
            let before = self.watched.remove(&target.name).filter(|before| before.target.is_same(&target));
            let now = before.unwrap_or_else(|| self.watch(target));
            watched.insert(now.target.name.clone(), now);
        }
        self.tried.lock().retain(|name| watched.contains_key(name));
        self.watched = watched;
    }

    /// Whether every assigned server was looked at once, with whatever result.
    #[must_use]
    pub fn all_tried(&self) -> bool {
        let tried = self.tried.lock();
        tried.len() >= self.watched.len() && self.watched.keys().all(|name| tried.contains(name))
    }

    fn watch(&self, target: Target) -> Watched {
        let looks = Looks {
            target: target.clone(),
            tried: Arc::clone(&self.tried),
            findings: self.findings.clone(),
            at_once: Arc::clone(&self.at_once),
        };
        Watched { target, task: tokio::spawn(looks.run()).abort_handle() }
    }
}

/// The looks at one server.
struct Looks {
    target: Target,
    tried: Arc<Mutex<BTreeSet<Name>>>,
    findings: mpsc::Sender<Finding>,
    at_once: Arc<Semaphore>,
}

impl Looks {
    async fn run(self) {
        let mut told: Option<Finding> = None;
        let mut known: Option<proto::ServerFacts> = None;
        let mut failures = 0;
        loop {
            // From before the look on, so that no change is missed.
            let (changed, doubted) = (self.target.upstream.changed(), self.target.upstream.doubted());
            tokio::pin!(changed, doubted);
            changed.as_mut().enable();
            doubted.as_mut().enable();
            let Ok(permit) = self.at_once.acquire().await else { return };
            // Boxed: a look is kilobytes, and of thousands of servers all but a few wait for their next one.
            let outcome = Box::pin(examine(&self.target, known.as_ref())).await;
            self.target.upstream.rest(self.target.timing.interval);
            drop(permit);
            if let Ok(found) = &outcome {
                known = Some(found.facts.clone());
            }
            let finding = Finding::of(&self.target, &outcome);
            self.tried.lock().insert(self.target.name.clone());
            if told.as_ref().is_none_or(|told| finding.is_news(told)) {
                if self.findings.send(finding.clone()).await.is_err() {
                    return;
                }
                told = Some(finding);
            }
            let interval = self.target.timing.interval;
            if outcome.is_ok() {
                failures = 0;
                let due = Instant::now() + jittered(interval);
                // Who doubts without end does not make us look without end.
                sleep(jittered(FIRST_PAUSE.min(interval))).await;
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = doubted => {}
                }
            } else {
                let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(interval);
                failures += 1;
                let due = Instant::now() + jittered(pause);
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = changed => failures = 0,
                }
            }
        }
    }
}

/// +-20 %, so that servers and gateways do not fall into step.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.8 + fastrand::f64() * 0.4)
}

#[cfg(test)]
mod tests;
