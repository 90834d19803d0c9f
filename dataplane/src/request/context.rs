//! What all requests of a process share: the snapshot, the keys, the limits, the counters.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, watch};

use super::admit::Origins;
use super::cancel::Cancels;
use super::pages::Pages;
use super::remembered::Remembered;
use crate::clock;
use crate::drain::Signal;
use crate::followed::Followed;
use crate::jwks::Hasten;
use crate::limits::Limits;
use crate::mcp::seal::Ring;
use crate::policy::gcra::Limiter;
use crate::snapshot::Snapshot;
use crate::telemetry::Telemetry;

/// A session that was ended here: its fingerprint and the second since 1970 at which it would have expired.
pub type EndedSession = ([u8; 16], u64);

/// Ended sessions that are remembered, as many as an operator does; beyond it the ones that expire first go.
const ENDED: usize = 100_000;

/// Shared by every worker.
pub struct Context {
    snapshot: ArcSwap<Snapshot>,
    changes: watch::Sender<u64>,
    /// Keys of sessions and cursors.
    pub ring: Followed<Ring>,
    /// Sessions that were opened lately.
    pub remembered: Remembered,
    /// Every bound.
    pub limits: Limits,
    /// Pages of lists that were rendered lately.
    pub pages: Pages,
    /// Counters, audit and logs.
    pub telemetry: Telemetry,
    /// Rate limits' counters.
    pub limiter: Limiter,
    /// Which browsers' pages may speak to us.
    pub origins: Origins,
    /// Calls that a later message may cancel.
    pub cancels: Cancels,
    /// Where it is told that a key of an issuer is not there.
    pub key_sets: Hasten,
    /// Serving, draining, closing.
    pub drain: Signal,
    /// Places for open streams.
    pub streams: Arc<Semaphore>,
    ended: Mutex<HashMap<[u8; 16], u64>>,
    ended_sender: mpsc::UnboundedSender<EndedSession>,
    next_id: AtomicU64,
    started: Instant,
}

/// What a context is made of.
pub struct Parts {
    /// Keys of sessions and cursors.
    pub ring: Followed<Ring>,
    /// Every bound.
    pub limits: Limits,
    /// Counters, audit and logs.
    pub telemetry: Telemetry,
    /// Which browsers' pages may speak to us.
    pub origins: Origins,
    /// Where it is told that a key of an issuer is not there.
    pub key_sets: Hasten,
    /// Serving, draining, closing.
    pub drain: Signal,
    /// Where ended sessions are told to the other gateways.
    pub ended: mpsc::UnboundedSender<EndedSession>,
}

impl Context {
    /// A context that serves nothing yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(Snapshot::empty()),
            changes: watch::channel(0).0,
            ring: parts.ring,
            remembered: Remembered::default(),
            pages: Pages::new(parts.limits.pages_bytes),
            streams: Arc::new(Semaphore::new(parts.limits.streams)),
            limits: parts.limits,
            telemetry: parts.telemetry,
            limiter: Limiter::default(),
            origins: parts.origins,
            cancels: Cancels::default(),
            key_sets: parts.key_sets,
            drain: parts.drain,
            ended: Mutex::default(),
            ended_sender: parts.ended,
            // Ids must be unique among all gateways that share an upstream session: each counts from a place of its own.
            next_id: AtomicU64::new(u64::from(fastrand::u32(..)) << 20),
            started: Instant::now(),
        })
    }

    /// The snapshot in force: one load, and the request keeps it to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts a snapshot in force on every worker at once, and wakes whoever judges an open stream again.
    pub fn publish(&self, snapshot: Snapshot) {
        // An operator that has just begun does not know yet what was ended before: it is refused here all the same.
        if !Arc::ptr_eq(snapshot.ended(), self.snapshot.load().ended()) {
            self.remember_ended(snapshot.ended().iter().copied());
        }
        self.snapshot.store(Arc::new(snapshot));
        self.changes.send_modify(|count| *count += 1);
    }

    /// Changes whenever a snapshot comes into force.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// An id for a request of ours, below 2^53 as every implementation reads it.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) & ((1 << 53) - 1)
    }

    /// Nanoseconds since the process began; rate limits count in it.
    pub fn monotonic(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Ends a session: here at once, elsewhere as soon as the operator has passed it on.
    pub fn end_session(&self, fingerprint: [u8; 16], expires: u64) {
        self.remember_ended(std::iter::once((fingerprint, expires)));
        // The receiver lives as long as the process; when it is gone there is nobody to tell.
        let _ = self.ended_sender.send((fingerprint, expires));
        // Streams of the session are judged again.
        self.changes.send_modify(|count| *count += 1);
    }

    /// Takes in sessions that were ended, here or elsewhere, until they expire.
    pub fn remember_ended(&self, sessions: impl Iterator<Item = EndedSession>) {
        let now = now();
        let mut ended = self.ended.lock();
        ended.retain(|_, expires| *expires > now);
        ended.extend(sessions.filter(|(_, expires)| *expires > now));
        // A tenth more, so that it is not sorted for each.
        if ended.len() > ENDED + ENDED / 10 {
            let mut times: Vec<u64> = ended.values().copied().collect();
            let surplus = times.len() - ENDED;
            let first_kept = *times.select_nth_unstable(surplus).1;
            ended.retain(|_, expires| *expires >= first_kept);
        }
    }

    /// Whether a session was ended, here or elsewhere.
    pub fn has_ended(&self, fingerprint: &[u8; 16]) -> bool {
        self.ended.lock().contains_key(fingerprint)
    }

    /// Sessions that were ended and have not expired, wherever it was: told again to every operator that we connect to.
    pub fn ended(&self) -> Vec<EndedSession> {
        let now = now();
        self.ended.lock().iter().filter(|(_, expires)| **expires > now).map(|(one, expires)| (*one, *expires)).collect()
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    clock::of_day().as_secs()
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
