//! The connections of one endpoint on one worker. Its lock is never held across an await, and other workers never take it but to
//! empty it when the endpoint goes.

use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2;
use parking_lot::Mutex;
use tokio::sync::{Notify, futures::Notified};
use tokio::time::Instant;

use super::connection::{Carrier, Connection, Payload, Stream, Streams};

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
}

struct Shared {
    sender: http2::SendRequest<Payload>,
    streams: Arc<Streams>,
    retire_at: Instant,
}

impl Pool {
    /// A connection that can take a request now.
    pub(super) fn take(&self, now: Instant) -> Option<Connection> {
        let mut held = self.held.lock();
        held.stream(now).or_else(|| held.warmest(now))
    }

    /// Keeps an HTTP/1.1 connection for the next request.
    pub(super) fn put(&self, mut connection: Connection, now: Instant) {
        connection.used_at = now;
        let mut held = self.held.lock();
        if held.closed || now >= connection.retire_at {
            return;
        }
        if held.idle.len() >= IDLE {
            held.idle.remove(0);
        }
        held.idle.push(connection);
    }

    /// Lets other requests use a new HTTP/2 connection, too.
    pub(super) fn share(&self, connection: &Connection) {
        let Carrier::Http2(sender, stream) = &connection.carrier else { return };
        let mut held = self.held.lock();
        // Before ALPN is known, requests at once dial at once; the surplus serves its one request and goes.
        if !held.closed && held.shared.len() < SHARED {
            held.shared.push(Shared {
                sender: sender.clone(),
                streams: Arc::clone(stream.streams()),
                retire_at: connection.retire_at,
            });
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
        self.shared.retain(|shared| !shared.sender.is_closed() && now < shared.retire_at);
        let full = self.shared.len() >= SHARED;
        let best = self.shared.iter().min_by_key(|shared| shared.streams.open())?;
        if !full && best.streams.are_full() {
            return None;
        }
        let carrier = Carrier::Http2(best.sender.clone(), Stream::open(&best.streams));
        Some(Connection { carrier, used_at: now, retire_at: best.retire_at })
    }

    fn warmest(&mut self, now: Instant) -> Option<Connection> {
        while let Some(mut connection) = self.idle.pop() {
            if now.saturating_duration_since(connection.used_at) >= IDLE_FOR {
                // All below are older still.
                self.idle.clear();
            } else if connection.is_usable(now) {
                return Some(connection);
            }
        }
        None
    }
}

/// The turn to dial; its end, also by cancellation, wakes those who wait for it.
pub(super) struct Turn<'a>(&'a Pool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.held.lock().dialing = false;
        self.0.dialed.notify_waiters();
    }
}
