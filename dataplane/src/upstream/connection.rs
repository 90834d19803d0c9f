//! One HTTP connection to an endpoint, whichever HTTP it speaks: made, asked one thing at a time, and kept while it is good for more.
//! It belongs to the runtime that made it and never outlives it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::dialer::Dialed;
use super::error::{Phase, UpstreamError};
use super::http1::{Head, Http1, Socket};
use super::http2::Http2;
use super::timer::Timer;

/// A connection gives way to a new one after about this long, so that changed DNS answers and new pods get their share.
const AGE: Duration = Duration::from_secs(600);
/// Far longer than a busy connection rests, far shorter than servers keep idle ones.
const COLD: Duration = Duration::from_millis(100);

/// One connection, checked out for one exchange (HTTP/1.1) or for one of several at once (HTTP/2).
pub(super) struct Connection {
    pub(super) carrier: Carrier,
    timer: Timer,
    /// When it last came back idle.
    pub(super) used_at: Instant,
    /// Not used for another request after this.
    pub(super) retire_at: Instant,
}

pub(super) enum Carrier {
    /// Boxed: it moves in and out of the pool with every request.
    Http1(Box<Http1>),
    Http2(Http2),
}

impl Connection {
    /// Speaks HTTP over what was dialled.
    pub(super) async fn open(dialed: Dialed, http2: bool) -> Result<Self, UpstreamError> {
        let carrier = match dialed {
            Dialed::Plain(stream) if http2 => Carrier::Http2(Http2::open(TokioIo::new(stream)).await?),
            Dialed::Plain(stream) => Carrier::Http1(Box::new(Http1::new(Socket::Plain(stream)))),
            Dialed::Tls { stream, http2: true } => Carrier::Http2(Http2::open(TokioIo::new(*stream)).await?),
            Dialed::Tls { stream, .. } => Carrier::Http1(Box::new(Http1::new(Socket::Tls(stream)))),
        };
        let jitter = AGE.mul_f64(fastrand::f64() * 0.2);
        let now = Instant::now();
        Ok(Self::new(carrier, now, now + AGE - jitter))
    }

    pub(super) fn new(carrier: Carrier, now: Instant, retire_at: Instant) -> Self {
        Self { carrier, timer: Timer::default(), used_at: now, retire_at }
    }

    /// Whether an idle connection can take a request now; no system call unless something has come.
    pub(super) fn is_usable(&mut self, now: Instant) -> bool {
        now < self.retire_at
            && match &mut self.carrier {
                Carrier::Http1(connection) => connection.is_quiet(),
                Carrier::Http2(connection) => !connection.is_closed(),
            }
    }

    /// Whether it was idle for so long that the server may have closed it since the reactor last looked.
    pub(super) fn is_cold(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used_at) >= COLD
    }

    /// Sends one request and waits for the head of its answer until `deadline`. `request` is left where it is if not a byte of it was sent.
    /// Dropping the future cancels the request, if the connection is dropped with it: HTTP/1.1 closes, HTTP/2 resets the stream.
    pub(super) async fn ask(
        &mut self,
        request: &mut Option<Request<Bytes>>,
        deadline: Option<Instant>,
    ) -> Result<Head, UpstreamError> {
        let Self { carrier, timer, .. } = self;
        match carrier {
            Carrier::Http1(connection) => {
                if let Some(request) = request {
                    connection.load(request);
                }
                poll_fn(|context| bound(connection.poll_head(request, context), timer, deadline, context)).await
            }
            Carrier::Http2(connection) => {
                let mut asking = pin!(connection.ask(request));
                poll_fn(|context| bound(asking.as_mut().poll(context), timer, deadline, context)).await
            }
        }
    }

    /// The next piece of the answer's body; `None` at its end. Should it take longer than until `deadline`, it is late.
    pub(super) fn poll_chunk(
        &mut self,
        deadline: Option<Instant>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let chunk = match &mut self.carrier {
            Carrier::Http1(connection) => connection.poll_chunk(context),
            Carrier::Http2(connection) => connection.poll_chunk(context),
        };
        if chunk.is_pending() && self.timer.poll(deadline, context).is_ready() {
            return Poll::Ready(Some(Err(UpstreamError::TimedOut { phase: Phase::Total })));
        }
        chunk
    }

    /// Whether the answer's body has come to its end.
    pub(super) fn is_complete(&self) -> bool {
        match &self.carrier {
            Carrier::Http1(connection) => connection.is_complete(),
            Carrier::Http2(connection) => connection.is_complete(),
        }
    }

    /// How many bytes of the answer's body are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match &self.carrier {
            Carrier::Http1(connection) => connection.left(),
            Carrier::Http2(connection) => connection.left(),
        }
    }
}

/// The head of an answer, unless it is late.
fn bound(
    head: Poll<Result<Head, UpstreamError>>,
    timer: &mut Timer,
    deadline: Option<Instant>,
    context: &mut Context<'_>,
) -> Poll<Result<Head, UpstreamError>> {
    if head.is_pending() && timer.poll(deadline, context).is_ready() {
        return Poll::Ready(Err(UpstreamError::TimedOut { phase: Phase::FirstByte }));
    }
    head
}
