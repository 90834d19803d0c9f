//! How a gateway stops: unready first, then no new connections, then none at all.
//!
//! Endpoints of a Service change slower than a process dies, so a draining gateway goes on accepting for a minimum. It never cuts a call before
//! the maximum, unless it is told twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// What a gateway is doing about its connections. They only ever follow each other in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Business as usual.
    Serving,
    /// Unready; still accepting, but every answer asks the client to go elsewhere.
    Draining,
    /// No new connections; those that are idle close, the others when they have answered.
    Closing,
    /// Whatever is left is cut.
    Stopping,
}

/// How long a drain takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// At least this long connections are accepted: until every proxy has heard that this pod is not ready.
    pub min: Duration,
    /// After this long, counted from the beginning, what is left is cut.
    pub max: Duration,
}

impl Times {
    /// For a gateway behind a Service.
    pub const FLEET: Self = Self { min: Duration::from_secs(10), max: Duration::from_mins(5) };
    /// For a gateway that one person started: nobody has to be told first.
    pub const ALONE: Self = Self { min: Duration::ZERO, max: Duration::from_secs(5) };
}

/// The hand that drains. There is one; its [`Signal`]s are everywhere.
#[derive(Debug)]
pub struct Drain {
    phase: watch::Sender<Phase>,
    signal: Signal,
}

/// Tells the phase, and counts connections so that the end waits for them.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Read on every response by every worker; `watch` would have them share a lock.
    now: Arc<AtomicU8>,
    changes: watch::Receiver<Phase>,
    connections: TaskTracker,
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// A gateway that serves.
    #[must_use]
    pub fn new() -> Self {
        let (phase, changes) = watch::channel(Phase::Serving);
        let signal = Signal { now: Arc::default(), changes, connections: TaskTracker::new() };
        Self { phase, signal }
    }

    /// A signal for whoever has to know.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal.clone()
    }

    /// Drains to the end. `hurry` cuts it short: the second signal to stop.
    pub async fn run(&self, times: Times, hurry: impl Future<Output = ()>) {
        tokio::select! {
            () = self.in_order(times) => {}
            () = hurry => tracing::warn!(connections = self.signal.connections.len(), "told to stop at once"),
        }
        self.enter(Phase::Stopping);
    }

    async fn in_order(&self, Times { min, max }: Times) {
        self.enter(Phase::Draining);
        tokio::time::sleep(min).await;
        self.enter(Phase::Closing);
        self.signal.connections.close();
        if tokio::time::timeout(max.saturating_sub(min), self.signal.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.signal.connections.len(), "cut at the drain's maximum");
        }
    }

    fn enter(&self, phase: Phase) {
        self.signal.now.store(phase as u8, Ordering::Relaxed);
        self.phase.send_replace(phase);
    }
}

impl Signal {
    /// Whether clients should go elsewhere.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.now.load(Ordering::Relaxed) >= Phase::Draining as u8
    }

    /// Waits until `phase` or a later one. A gateway whose [`Drain`] is gone is stopping.
    pub async fn reached(&self, phase: Phase) {
        let mut changes = self.changes.clone();
        let _ = changes.wait_for(|now| *now >= phase).await;
    }

    /// Counts a connection until the token is dropped.
    pub fn connection(&self) -> TaskTrackerToken {
        self.connections.token()
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

#[cfg(test)]
mod tests;
