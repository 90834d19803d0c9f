//! Connections to MCP servers: which endpoint, over which connection, within which bounds.
//!
//! An [`Upstream`] outlives snapshots and keeps its idle connections by worker. A request is sent once: again only if not a byte of it can
//! have reached a server. Redirects are not followed, encoded answers not accepted, headers of requests not touched.

mod address;
mod answer;
pub mod ask;
mod connection;
mod dialer;
mod error;
mod form;
mod host;
mod hosts;
pub mod http1;
mod http2;
mod identity;
mod pool;
mod resolve;
mod timer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Request, StatusCode};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

pub use answer::{Answer, AnswerBody};
pub use dialer::{Dialer, Forbidden};
pub use error::{Phase, UpstreamError};
pub use identity::{Endpoint, Remote, UpstreamConfig};

use answer::Lease;
use connection::Connection;
use host::{Common, Permit};
use hosts::Hosts;
use http1::Head;
use pool::Pool;

/// How long each phase of one exchange may take, and how large its answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For name resolution, TCP and TLS together.
    pub connect: Duration,
    /// From the request being sent to the head of its answer.
    pub first_byte: Duration,
    /// From the start to the last byte of the answer's body.
    pub total: Duration,
    /// Bytes of the answer's body; one more ends it with [`UpstreamError::TooLarge`].
    pub answer_bytes: u64,
}

/// One server as this gateway reaches it. Shared by all workers and kept across snapshots.
pub struct Upstream {
    hosts: ArcSwap<Hosts>,
    common: Common,
    dialer: Arc<Dialer>,
    is_remote: bool,
    changed: Notify,
    doubted: Notify,
    /// Requests at once; 0 is no bound.
    max_concurrent: AtomicU32,
}

impl Upstream {
    /// An upstream for `workers` workers, and one more caller that is none: see [`Upstream::background`].
    #[must_use]
    pub fn new(config: &UpstreamConfig, workers: usize, dialer: Arc<Dialer>) -> Self {
        let common = Common {
            authority: config.authority.clone(),
            http2: config.http2,
            pools: workers + 1,
            load: Arc::new(AtomicU32::new(0)),
        };
        Self {
            hosts: ArcSwap::from_pointee(Hosts::first(config, &common)),
            common,
            dialer,
            is_remote: config.remote.is_some(),
            changed: Notify::new(),
            doubted: Notify::new(),
            max_concurrent: AtomicU32::new(0),
        }
    }

    /// The `worker` number for requests that come from no worker. Connections belong to the runtime that made them, so each number must
    /// be used on one runtime only.
    #[must_use]
    pub fn background(&self) -> usize {
        self.common.pools - 1
    }

    /// Replaces the endpoints of a server in the cluster (a remote has none). Idle connections to those that are gone are closed; requests
    /// under way end as they will.
    pub fn set_endpoints(&self, endpoints: &[Endpoint]) {
        if self.is_remote {
            return;
        }
        let before = self.hosts.load_full();
        let next = Arc::new(before.follow(endpoints, &self.common));
        if before.is_same(&next) {
            return;
        }
        self.hosts.store(Arc::clone(&next));
        before.retire(&next);
        self.changed.notify_waiters();
    }

    /// Resolves when the endpoints next change.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Says that the server is no longer as it was found.
    pub fn doubt(&self) {
        self.doubted.notify_waiters();
    }

    /// Resolves when somebody next doubts what is known of the server.
    pub fn doubted(&self) -> Notified<'_> {
        self.doubted.notified()
    }

    /// Requests that the server may have at once, over all workers; more are refused at once. 0 is no bound. Requests of the background are
    /// exempt: a server that is busy is not a server that is down.
    pub fn set_max_concurrent(&self, bound: u32) {
        self.max_concurrent.store(bound, Ordering::Relaxed);
    }

    /// The background asks again after `pause` only: connections that would not be used again by then are closed now.
    pub fn rest(&self, pause: Duration) {
        if pause >= pool::IDLE_FOR {
            self.hosts.load().all().for_each(|host| host.pool(self.background()).clear());
        }
    }

    /// Requests under way, bodies of answers included.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.common.load.load(Ordering::Relaxed)
    }

    /// Sends a request whose headers are final (`Host` too; the URI needs only its path) and returns the head of the answer with its body
    /// as it arrives. `want` is the endpoint that a session is bound to. Dropping the future or the body cancels the exchange.
    ///
    /// # Errors
    /// See [`UpstreamError`]; [`UpstreamError::safe_to_retry`] says whether the server may have run the request.
    pub async fn send(
        &self,
        worker: usize,
        want: Option<&str>,
        request: Request<Bytes>,
        deadlines: &Deadlines,
    ) -> Result<Answer, UpstreamError> {
        let clock = Clock { started: Instant::now(), deadlines };
        let mut request = Some(request);
        let mut first = true;
        loop {
            let permit = self.admit(worker, want)?;
            match self.exchange(permit, worker, &mut request, &clock).await {
                // Nothing was sent, so another endpoint may do it; a session has no other.
                Err(_) if request.is_some() && first && want.is_none() && self.has_another() => first = false,
                outcome => return outcome,
            }
        }
    }

    fn admit(&self, worker: usize, want: Option<&str>) -> Result<Permit, UpstreamError> {
        let hosts = self.hosts.load();
        let host = want.map_or_else(|| hosts.pick(), |name| hosts.named(name));
        let host = Arc::clone(host.ok_or(UpstreamError::NoEndpoint)?);
        if worker == self.background() {
            return Ok(Permit::of_examination(host));
        }
        Permit::acquire(host, self.max_concurrent.load(Ordering::Relaxed))
    }

    fn has_another(&self) -> bool {
        let hosts = self.hosts.load();
        hosts.ready() > 1 && hosts.any_up()
    }

    /// One exchange with one endpoint: over an idle connection, and over a new one if there is none or if it turns out to be dead.
    /// The request stays where it is if not a byte of it was sent.
    async fn exchange(
        &self,
        permit: Permit,
        worker: usize,
        request: &mut Option<Request<Bytes>>,
        clock: &Clock<'_>,
    ) -> Result<Answer, UpstreamError> {
        let mut idle = checkout(permit.host.pool(worker), clock.started).await;
        loop {
            let reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                // Boxed: it is large, rare, and would make every request's future larger.
                None => Box::pin(permit.host.connect(worker, &self.dialer, clock.connect())).await?,
            };
            if let Some(request) = request {
                form::fit(request, &connection.carrier, permit.host.authority(), permit.host.is_tls());
            }
            match connection.ask(request, clock.head(reused)).await {
                Ok(head) => return accept(head, Lease { permit, connection, worker }, clock),
                Err(_) if reused && request.is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// An idle connection. A request that is written to a connection which the server has just closed is lost for good, so a cold one is
/// taken only after the reactor had a look at it; a warm one costs no system call.
async fn checkout(pool: &Pool, now: Instant) -> Option<Connection> {
    let mut idle = pool.take(now)?;
    if idle.is_cold(now) {
        tokio::task::yield_now().await;
        if !idle.is_usable(now) {
            return pool.take(now);
        }
    }
    Some(idle)
}

/// The deadlines of one exchange as moments.
struct Clock<'a> {
    started: Instant,
    deadlines: &'a Deadlines,
}

impl Clock<'_> {
    fn connect(&self) -> Instant {
        let now = Instant::now();
        let connect = now + self.deadlines.connect;
        self.end().map_or(connect, |end| connect.min(end))
    }

    /// A reused connection is asked at once; only a new one took time to get here.
    fn head(&self, reused: bool) -> Option<Instant> {
        let from = if reused { self.started } else { Instant::now() };
        let head = from.checked_add(self.deadlines.first_byte);
        match (head, self.end()) {
            (Some(head), Some(end)) => Some(head.min(end)),
            (head, end) => head.or(end),
        }
    }

    /// `None` where the sum is beyond what a clock can tell.
    fn end(&self) -> Option<Instant> {
        self.started.checked_add(self.deadlines.total)
    }
}

/// Takes an answer's head over, or drops its connection.
fn accept(head: Head, lease: Lease, clock: &Clock<'_>) -> Result<Answer, UpstreamError> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::Protocol("the server switched protocols"));
    }
    if is_encoded(&head.headers) {
        return Err(UpstreamError::Protocol("the answer has a content encoding that nobody asked for"));
    }
    let bound = clock.deadlines.answer_bytes;
    if lease.connection.left().is_some_and(|length| length > bound) {
        return Err(UpstreamError::TooLarge);
    }
    let endpoint = Arc::clone(&lease.permit.host.name);
    let body = AnswerBody::new(lease, bound, clock.end());
    Ok(Answer { status: head.status, headers: head.headers, body, endpoint })
}

/// No encoding was asked for; one that comes all the same could be a bomb, and nothing here could be judged through it.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
pub(crate) mod tests;
