//! Key sets that issuers publish (`jwks.remote`), fetched in the background: again at jittered intervals, and ahead of time when a token names a
//! key that is not there, which is at most once in an interval whoever sends how many such tokens.
//!
//! Never on a request's path, and nothing in a token says where to: only policies do. What is fetched is an input to snapshots like every resource.

mod hasten;
mod source;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

pub use hasten::Hasten;
pub use source::{Fault, Source};
pub use store::{KeySet, KeySets, read, write};

use crate::limits::Limits;
use crate::telemetry::Metrics;
use crate::upstream::{Dialer, Upstream};

/// Issuers that are asked at once.
const AT_ONCE: usize = 8;
/// Answers that wait to be taken in.
const WAITING: usize = 64;
/// An issuer that fails is asked again after this, doubled at each failure, at most the interval between refetches.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What asking an issuer has brought.
#[derive(Debug)]
pub struct Fetched {
    /// Where.
    pub url: Arc<str>,
    /// The key set; `None` if there is none to be had now.
    pub document: Option<Bytes>,
}

/// What fetching works by.
#[derive(Clone)]
pub struct Means {
    /// The one way out.
    pub dialer: Arc<Dialer>,
    /// Every bound.
    pub limits: Limits,
    /// Counts what is asked.
    pub metrics: Metrics,
    /// Who may ask ahead of time.
    pub hasten: Hasten,
}

/// Asks issuers for their keys. Must be used within a runtime; dropping it ends all asking.
pub struct Fetcher {
    means: Means,
    watched: BTreeMap<Arc<str>, Watched>,
    tried: Arc<Mutex<BTreeSet<Arc<str>>>>,
    fetched: mpsc::Sender<Fetched>,
    at_once: Arc<Semaphore>,
}

struct Watched {
    wanted: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetcher {
    /// A fetcher without sources, and what it will fetch.
    #[must_use]
    pub fn new(means: Means) -> (Self, mpsc::Receiver<Fetched>) {
        let (fetched, receiver) = mpsc::channel(WAITING);
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        (Self { means, watched: BTreeMap::new(), tried: Arc::default(), fetched, at_once }, receiver)
    }

    /// Asks these sources from now on, and no others; a new one at once. Of those that `is_known` nobody waits for the first answer.
    pub fn assign(&mut self, sources: Vec<Source>, is_known: impl Fn(&str) -> bool) {
        let mut watched = BTreeMap::new();
        for source in sources {
            if is_known(&source.url) {
                self.tried.lock().insert(Arc::clone(&source.url));
            }
            let url = Arc::clone(&source.url);
            let now = self.watched.remove(&url).unwrap_or_else(|| self.watch(source));
            watched.insert(url, now);
        }
        self.tried.lock().retain(|url| watched.contains_key(url));
        self.watched = watched;
        self.means.hasten.replace(self.watched.iter().map(|(url, one)| (Arc::clone(url), Arc::clone(&one.wanted))));
    }

    /// Whether every source was asked once, with whatever result, or need not be waited for.
    #[must_use]
    pub fn all_tried(&self) -> bool {
        let tried = self.tried.lock();
        self.watched.keys().all(|url| tried.contains(url))
    }

    fn watch(&self, source: Source) -> Watched {
        let wanted = Arc::new(Notify::new());
        let asking = Asking {
            upstream: Upstream::new(source.upstream(), 0, Arc::clone(&self.means.dialer)),
            source,
            means: self.means.clone(),
            wanted: Arc::clone(&wanted),
            tried: Arc::clone(&self.tried),
            fetched: self.fetched.clone(),
            at_once: Arc::clone(&self.at_once),
        };
        Watched { wanted, task: tokio::spawn(asking.run()).abort_handle() }
    }
}

/// The asking of one source.
struct Asking {
    source: Source,
    upstream: Upstream,
    means: Means,
    wanted: Arc<Notify>,
    tried: Arc<Mutex<BTreeSet<Arc<str>>>>,
    fetched: mpsc::Sender<Fetched>,
    at_once: Arc<Semaphore>,
}

impl Asking {
    async fn run(self) {
        let mut failures = 0;
        let mut hastened = None;
        loop {
            let Ok(permit) = self.at_once.acquire().await else { return };
            let outcome = self.source.fetch(&self.upstream, &self.means.limits).await;
            drop(permit);
            self.tell(&outcome, failures);
            self.tried.lock().insert(Arc::clone(&self.source.url));
            failures = if outcome.is_ok() { 0 } else { failures + 1 };
            let fetched = Fetched { url: Arc::clone(&self.source.url), document: outcome.ok() };
            if self.fetched.send(fetched).await.is_err() {
                return;
            }
            self.rest(jittered(self.pause(failures)), &mut hastened).await;
        }
    }

    /// An outage is told when it begins and when it ends, and counted all the time.
    fn tell(&self, outcome: &Result<Bytes, Fault>, failures: u32) {
        let url = &*self.source.url;
        self.means.metrics.key_set_fetched(outcome.as_ref().map_or_else(Fault::word, |_| "ok"));
        match outcome {
            Err(fault) if failures == 0 => warn!(url, %fault, "no key set: the last good one goes on"),
            Ok(_) if failures > 0 => info!(url, "the key set is to be had again"),
            _ => {}
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 => self.means.limits.jwks_refresh,
            more => FIRST_PAUSE.saturating_mul(1 << (more - 1).min(16)).min(self.means.limits.jwks_refetch),
        }
    }

    /// Until it is time, or until a token named a key that is not there: the latter once in an interval.
    async fn rest(&self, pause: Duration, hastened: &mut Option<Instant>) {
        let not_before = hastened.map(|last| last + self.means.limits.jwks_refetch);
        let wanted = async {
            self.wanted.notified().await;
            if let Some(time) = not_before {
                sleep_until(time).await;
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = wanted => *hastened = Some(Instant::now()),
        }
    }
}

/// +-20 %, so that gateways and issuers do not fall into step.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.8 + fastrand::f64() * 0.4)
}

#[cfg(test)]
mod tests;
