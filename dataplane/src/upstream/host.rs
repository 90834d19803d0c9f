//! One endpoint of a server: where it is, how busy, whether it can be reached, and its connections. It lives as long as the endpoint
//! is listed, and for the requests that are still under way.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::uri::Authority;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{Carrier, Connection};
use super::dialer::{Dialed, Dialer};
use super::error::{Phase, UpstreamError};
use super::pool::Pool;
use super::resolve::Name;

/// After a failed connect the endpoint is left alone for so long; then one request at a time may try it.
const DOWN: Duration = Duration::from_secs(1);

/// How often idle connections are looked at.
const SWEEP: Duration = Duration::from_secs(5);

/// How a host is reached.
#[derive(Debug)]
pub(super) enum Target {
    /// A pod of the cluster.
    Address(SocketAddr),
    /// A server outside the cluster, resolved for each connection.
    Remote { name: Name, tls: Option<ServerName<'static>> },
}

pub(super) struct Host {
    /// What sessions remember it by: `ADDRESS:PORT`, or `NAME:PORT` of a remote.
    pub(super) name: Arc<str>,
    target: Target,
    authority: Authority,
    prior_knowledge: bool,
    pools: Box<[Pool]>,
    load: Arc<AtomicU32>,
    in_flight: AtomicU32,
    reach: Reach,
    /// One connection serves many requests: asked for, or learnt from ALPN.
    multiplexed: AtomicBool,
}

/// What the hosts of one upstream have in common.
pub(super) struct Common {
    pub(super) authority: Authority,
    pub(super) http2: bool,
    pub(super) pools: usize,
    /// Requests under way on all of them.
    pub(super) load: Arc<AtomicU32>,
}

impl Host {
    pub(super) fn new(name: Arc<str>, target: Target, common: &Common) -> Self {
        Self {
            name,
            target,
            authority: common.authority.clone(),
            prior_knowledge: common.http2,
            pools: (0..common.pools).map(|_| Pool::default()).collect(),
            load: Arc::clone(&common.load),
            in_flight: AtomicU32::new(0),
            reach: Reach::new(),
            multiplexed: AtomicBool::new(common.http2),
        }
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn is_down(&self) -> bool {
        self.reach.is_down()
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.target, Target::Remote { tls: Some(_), .. })
    }

    pub(super) fn pool(&self, worker: usize) -> &Pool {
        // The last pool belongs to whoever is no worker.
        &self.pools[worker.min(self.pools.len() - 1)]
    }

    /// Keeps an HTTP/1.1 connection for the worker's next request.
    pub(super) fn keep(self: &Arc<Self>, connection: Connection, worker: usize) {
        if self.pool(worker).put(connection, Instant::now()) {
            tokio::spawn(sweep(Arc::downgrade(self), worker));
        }
    }

    /// Drops all idle connections: the endpoint is no longer listed.
    pub(super) fn close(&self) {
        self.pools.iter().for_each(Pool::close);
    }

    /// A new connection, made by `deadline`; or one that somebody else has just made where connections are shared.
    pub(super) async fn connect(
        &self,
        worker: usize,
        dialer: &Dialer,
        deadline: Instant,
    ) -> Result<Connection, UpstreamError> {
        let pool = self.pool(worker);
        let timed_out = UpstreamError::TimedOut { phase: Phase::Connect };
        let _turn = if self.multiplexed.load(Ordering::Relaxed) {
            let turn = loop {
                let dialed = pool.dialed();
                tokio::pin!(dialed);
                dialed.as_mut().enable();
                if let Some(turn) = pool.turn() {
                    break turn;
                }
                timeout_at(deadline, dialed).await.map_err(|_| timed_out)?;
            };
            if let Some(connection) = pool.take(Instant::now()) {
                return Ok(connection);
            }
            Some(turn)
        } else {
            None
        };
        if !self.reach.may_try() {
            return Err(UpstreamError::Connect);
        }
        let outcome = timeout_at(deadline, self.dial(dialer, deadline)).await.unwrap_or(Err(timed_out));
        match &outcome {
            Ok(connection) => {
                self.reach.succeeded();
                self.multiplexed.store(matches!(connection.carrier, Carrier::Http2(_)), Ordering::Relaxed);
                pool.share(connection);
            }
            Err(_) => self.reach.failed(),
        }
        outcome
    }

    async fn dial(&self, dialer: &Dialer, deadline: Instant) -> Result<Connection, UpstreamError> {
        let dialed = match &self.target {
            Target::Address(address) => Dialed::Plain(dialer.connect(&[*address], false, deadline).await?),
            Target::Remote { name, tls } => {
                let stream = dialer.connect(&name.addresses().await, true, deadline).await?;
                match tls {
                    Some(tls) => dialer.secure(stream, tls.clone()).await?,
                    None => Dialed::Plain(stream),
                }
            }
        };
        Connection::open(dialed, self.prior_knowledge).await
    }
}

/// Comes by for as long as connections are idle; on the runtime that they belong to.
async fn sweep(host: Weak<Host>, worker: usize) {
    loop {
        sleep(SWEEP).await;
        match host.upgrade() {
            Some(host) if host.pool(worker).sweep(Instant::now()) => {}
            _ => return,
        }
    }
}

/// Whether a host could be reached lately. Up until a connect fails; then down for [`DOWN`], after which one caller at a time may try.
#[derive(Debug)]
struct Reach {
    born: Instant,
    /// Milliseconds after `born` at which the next try is due; 0 while the host is up.
    next_try: AtomicU64,
}

impl Reach {
    fn new() -> Self {
        Self { born: Instant::now(), next_try: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_down(&self) -> bool {
        match self.next_try.load(Ordering::Relaxed) {
            0 => false,
            next_try => self.now() < next_try,
        }
    }

    fn may_try(&self) -> bool {
        let next_try = self.next_try.load(Ordering::Relaxed);
        next_try == 0 || (self.now() >= next_try && self.claim(next_try))
    }

    /// Only one of those who ask at once gets it, and the others wait for another turn; a try that is abandoned blocks nobody for long.
    fn claim(&self, next_try: u64) -> bool {
        self.next_try.compare_exchange(next_try, self.later(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn later(&self) -> u64 {
        self.now() + u64::try_from(DOWN.as_millis()).unwrap_or(u64::MAX)
    }

    fn failed(&self) {
        self.next_try.store(self.later(), Ordering::Relaxed);
    }

    fn succeeded(&self) {
        self.next_try.store(0, Ordering::Relaxed);
    }
}

/// The right to have one request under way, counted on its host and, but for our own examinations, on the whole upstream until dropped.
pub(super) struct Permit {
    pub(super) host: Arc<Host>,
    counted: bool,
}

impl Permit {
    /// The right of an agent's request.
    ///
    /// # Errors
    /// `Overloaded` if `bound` requests are under way on the upstream; 0 is no bound.
    pub(super) fn acquire(host: Arc<Host>, bound: u32) -> Result<Self, UpstreamError> {
        let before = host.load.fetch_add(1, Ordering::Relaxed);
        host.in_flight.fetch_add(1, Ordering::Relaxed);
        let permit = Self { host, counted: true };
        // Dropping the permit takes both counts back.
        if bound != 0 && before >= bound { Err(UpstreamError::Overloaded) } else { Ok(permit) }
    }

    /// The right of an examination: it waits for nobody, and no call is refused for it.
    pub(super) fn of_examination(host: Arc<Host>) -> Self {
        host.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { host, counted: false }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.host.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.counted {
            self.host.load.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
