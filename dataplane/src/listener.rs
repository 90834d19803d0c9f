//! Client connections: accepting them, what each may cost, and handing its requests to a [`Service`].
//!
//! One listener belongs to one runtime. Knows HTTP and nothing of MCP; decides nothing about what a request may do.

pub mod admission;
mod answer;
pub mod bind;
mod connection;
pub mod head;
mod lengths;
mod pace;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use hyper::body::Incoming;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use self::admission::Admission;
use self::head::Fault;
use self::tls::Certificate;
use crate::drain::{Phase, Signal};
use crate::limits::Limits;
use crate::telemetry::Metrics;

/// What answers requests.
pub trait Service: Clone + Send + Sync + 'static {
    /// The body of its answers. An error of it cuts the connection (HTTP/1.1) or the stream (HTTP/2).
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Answers one request. Its head has passed [`head::check`].
    fn call(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Answers a request that [`Service::call`] is not asked about, or that it broke off.
    fn refuse(&self, connection: &Connection, fault: Fault) -> Response<Self::Body>;
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The other end of the connection: an agent, or a proxy before it.
    pub peer: SocketAddr,
    /// The worker that it belongs to, counted from 0: whose pools its requests use.
    pub worker: usize,
    /// Whether it is encrypted.
    pub secure: bool,
}

impl Connection {
    /// The scheme of URLs that name this listener.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// What the connections of one runtime share.
pub struct Listener<S> {
    /// What answers.
    pub service: S,
    /// The workers that connections are dealt to, counted from 0.
    pub workers: Workers,
    /// Every bound.
    pub limits: Limits,
    /// Places for connections, shared by the workers.
    pub admission: Admission,
    /// The certificate of a TLS listener.
    pub tls: Option<Certificate>,
    /// When to stop.
    pub drain: Signal,
    /// Where connections are counted.
    pub metrics: Metrics,
}

/// The workers of one runtime. Where there are several they share its threads, and a worker is no more than a set of pools: each has its bound of
/// idle connections and a lock of its own, which one for all threads would not have.
#[derive(Debug)]
pub struct Workers {
    numbers: Range<usize>,
    dealt: AtomicUsize,
}

impl Workers {
    /// So many from `first` on, at least one.
    #[must_use]
    pub fn new(first: usize, count: usize) -> Self {
        Self { numbers: first..first + count.max(1), dealt: AtomicUsize::new(0) }
    }

    /// The worker of the next connection: each in turn.
    fn next(&self) -> usize {
        self.numbers.start + self.dealt.fetch_add(1, Relaxed) % self.numbers.len()
    }
}

impl<S: Service> Listener<S> {
    /// Accepts until the drain closes the door, then serves what had already knocked.
    ///
    /// # Errors
    /// The socket cannot be used at all.
    pub async fn serve(self, socket: std::net::TcpListener) -> io::Result<()> {
        let socket = TcpListener::from_std(socket)?;
        let listener = Arc::new(self);
        let mut closing = std::pin::pin!(listener.drain.reached(Phase::Closing));
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => listener.accept(stream, peer),
                    Err(error) => rest(&error).await,
                },
            }
        }
        // Closing a socket resets the connections in its queue, although their clients may already have sent a request.
        while let Some(Ok((stream, peer))) = socket.accept().now_or_never() {
            listener.accept(stream, peer);
        }
        Ok(())
    }

    fn accept(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let place = match self.admission.admit(peer.ip()) {
            Ok(place) => place,
            Err(full) => return self.metrics.cut(full.word()),
        };
        if let Err(error) = tune(&stream, &self.limits) {
            tracing::debug!(%error, %peer, "socket options");
        }
        let (counted, listener, worker) = (self.drain.connection(), Arc::clone(self), self.workers.next());
        tokio::spawn(async move {
            connection::serve(listener, stream, (peer, worker)).await;
            drop((place, counted));
        });
    }
}

/// A connection that broke before it was accepted is no reason to rest; too few file descriptors is, or the loop would spin.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if ![ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted].contains(&error.kind()) {
        tracing::warn!(%error, "accept");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Small answers leave at once, and the kernel notices peers that are gone.
fn tune(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_mins(1)).with_interval(Duration::from_secs(10)).with_retries(3);
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limits.send_stall))?;
    Ok(())
}

#[cfg(test)]
mod tests;
