//! The connections of one endpoint on one worker. Its lock is never held across an await, and other workers never take it but to
//! empty it when the endpoint goes.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, futures::Notified};
use tokio::time::Instant;

use super::connection::{Carrier, Connection};
use super::http2;

/// Idle HTTP/1.1 connections that are kept for one endpoint on one worker.
const IDLE: usize = 64;
/// An HTTP/1.1 connection idle for longer is not used again.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(50);
/// HTTP/2 connections to one endpoint from one worker.
const SHARED: usize = 4;

/// Own cache line: neighbours belong to other workers.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Pool {
    held: Mutex<Held>,
    dialed: Notify,
}

#[derive(Default)]
struct Held {
    /// Last in, first out: the warmest connection is used, the others may grow cold and leave.
    idle: Vec<Connection>,
    shared: Vec<Shared>,
    dialing: bool,
    closed: bool,
    /// Somebody comes by and closes what is no good any more.
    swept: bool,
}

struct Shared {
    connection: http2::Shared,
    retire_at: Instant,
}

impl Pool {
    /// A connection that can take a request now.
    pub(super) fn take(&self, now: Instant) -> Option<Connection> {
        let mut held = self.held.lock();
        held.stream(now).or_else(|| held.warmest(now))
    }

    /// Keeps an HTTP/1.1 connection for the next request. Whether somebody must come by from now on to [`Pool::sweep`].
    pub(super) fn put(&self, mut connection: Connection, now: Instant) -> bool {
        connection.used_at = now;
        let mut held = self.held.lock();
        if held.closed || now >= connection.retire_at {
            return false;
        }
        if held.idle.len() >= IDLE {
            held.idle.remove(0);
        }
        held.idle.push(connection);
        !std::mem::replace(&mut held.swept, true)
    }

    /// Closes idle connections that no request would take: nobody else watches them. Whether there are others left to come by for.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let mut held = self.held.lock();
        held.idle.retain_mut(|connection| !is_stale(connection, now) && connection.is_usable(now));
        held.swept = !held.idle.is_empty();
        held.swept
    }

    /// Lets other requests use a new HTTP/2 connection, too.
    pub(super) fn share(&self, connection: &Connection) {
        let Carrier::Http2(own) = &connection.carrier else { return };
        let mut held = self.held.lock();
        // Before ALPN is known, requests at once dial at once; the surplus serves its one request and goes.
        if !held.closed && held.shared.len() < SHARED {
            held.shared.push(Shared { connection: own.share(), retire_at: connection.retire_at });
        }
    }

    /// The turn to dial, where one connection serves many requests and so one at a time is dialled; `None` while somebody else has it.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        let mut held = self.held.lock();
        // Lazily: a turn that is made and dropped would end somebody else's.
        (!std::mem::replace(&mut held.dialing, true)).then(|| Turn(self))
    }

    /// Resolves when the dialling that is under way ends. Must be enabled before [`Pool::turn`] is asked, or its end may be missed.
    pub(super) fn dialed(&self) -> Notified<'_> {
        self.dialed.notified()
    }

    /// Drops everything that is idle.
    pub(super) fn clear(&self) {
        let mut held = self.held.lock();
        held.idle.clear();
        held.shared.clear();
    }

    /// Drops everything, now and later: the endpoint is gone.
    pub(super) fn close(&self) {
        self.held.lock().closed = true;
        self.clear();
    }
}

impl Held {
    /// One more stream on the least busy HTTP/2 connection, unless a further connection would serve better.
    fn stream(&mut self, now: Instant) -> Option<Connection> {
        if self.shared.is_empty() {
            return None;
        }
        self.shared.retain(|shared| !shared.connection.is_closed() && now < shared.retire_at);
        let full = self.shared.len() >= SHARED;
        let best = self.shared.iter().min_by_key(|shared| shared.connection.open_streams())?;
        if !full && best.connection.is_full() {
            return None;
        }
        Some(Connection::new(Carrier::Http2(best.connection.exchange()), now, best.retire_at))
    }

    fn warmest(&mut self, now: Instant) -> Option<Connection> {
        while let Some(mut connection) = self.idle.pop() {
            if is_stale(&connection, now) {
                // All below are older still.
                self.idle.clear();
            } else if connection.is_usable(now) {
                return Some(connection);
            }
        }
        None
    }
}

/// Whether a connection was idle for too long to be used again.
fn is_stale(connection: &Connection, now: Instant) -> bool {
    now.saturating_duration_since(connection.used_at) >= IDLE_FOR
}

/// The turn to dial; its end, also by cancellation, wakes those who wait for it.
pub(super) struct Turn<'a>(&'a Pool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.held.lock().dialing = false;
        self.0.dialed.notify_waiters();
    }
}
