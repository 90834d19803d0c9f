//! One HTTP connection to an endpoint: its handshake, the task that drives it, and asking it one thing.
//! It belongs to the runtime that made it and never outlives it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::future::Either;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::dialer::Dialed;
use super::error::{Phase, UpstreamError};

/// What a request carries: the whole body, already in memory.
pub(super) type Payload = Full<Bytes>;

/// A connection gives way to a new one after about this long, so that changed DNS answers and new pods get their share.
const AGE: Duration = Duration::from_secs(600);
/// Far longer than a busy connection rests, far shorter than servers keep idle ones.
const COLD: Duration = Duration::from_millis(100);
/// The largest head of an answer, and the most that is read ahead.
const READ_BUFFER: usize = 64 * 1024;
/// Streams on one HTTP/2 connection before another connection is made, whatever more the server would take.
const STREAMS: usize = 100;
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// With streams open, an HTTP/2 peer that answers no ping for so long is gone.
const PING: Duration = Duration::from_secs(10);

/// One connection, checked out for one exchange (HTTP/1.1) or for one of several at once (HTTP/2).
pub(super) struct Connection {
    pub(super) carrier: Carrier,
    /// When it last came back idle.
    pub(super) used_at: Instant,
    /// Not used for another request after this.
    pub(super) retire_at: Instant,
}

pub(super) enum Carrier {
    Http1(http1::SendRequest<Payload>),
    Http2(http2::SendRequest<Payload>, Stream),
}

/// The exchanges of one HTTP/2 connection.
pub(super) struct Streams {
    open: AtomicU32,
    /// What the server takes at once, as last heard.
    room: AtomicUsize,
}

impl Streams {
    pub(super) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether a further connection would serve better.
    pub(super) fn are_full(&self) -> bool {
        self.open() as usize >= self.room.load(Ordering::Relaxed).min(STREAMS)
    }
}

/// Counts one exchange of an HTTP/2 connection for as long as it lives.
pub(super) struct Stream(Arc<Streams>);

impl Stream {
    pub(super) fn open(streams: &Arc<Streams>) -> Self {
        streams.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.0
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why there is no answer. The request comes back if not a byte of it was sent.
pub(super) struct Unanswered {
    pub(super) error: UpstreamError,
    pub(super) request: Option<Box<Request<Payload>>>,
}

impl From<UpstreamError> for Unanswered {
    fn from(error: UpstreamError) -> Self {
        Self { error, request: None }
    }
}

impl Connection {
    /// Speaks HTTP over what was dialled, and drives it on the current runtime.
    pub(super) async fn open(dialed: Dialed, http2: bool) -> Result<Self, UpstreamError> {
        match dialed {
            Dialed::Plain(stream) if http2 => open_http2(TokioIo::new(stream)).await,
            Dialed::Plain(stream) => open_http1(TokioIo::new(stream)).await,
            Dialed::Tls { stream, http2: true } => open_http2(TokioIo::new(*stream)).await,
            Dialed::Tls { stream, .. } => open_http1(TokioIo::new(*stream)).await,
        }
    }

    fn new(carrier: Carrier) -> Self {
        let jitter = AGE.mul_f64(fastrand::f64() * 0.2);
        let now = Instant::now();
        Self { carrier, used_at: now, retire_at: now + AGE - jitter }
    }

    /// Whether an idle connection can take a request now; no system call.
    pub(super) fn is_usable(&mut self, now: Instant) -> bool {
        if now >= self.retire_at {
            return false;
        }
        match &mut self.carrier {
            Carrier::Http1(sender) => {
                matches!(sender.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
            }
            Carrier::Http2(sender, _) => !sender.is_closed(),
        }
    }

    /// Whether it was idle for so long that the server may have closed it since the reactor last looked.
    pub(super) fn is_cold(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used_at) >= COLD
    }

    /// Sends one request and waits for the head of its answer until `deadline`. Dropping the future cancels the request: HTTP/1.1 closes
    /// the connection, HTTP/2 resets the stream.
    /// The request leaves before the future is first polled, so the future need not hold it.
    pub(super) fn ask(
        &mut self,
        request: Request<Payload>,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<Response<Incoming>, Unanswered>> {
        let exchange = match &mut self.carrier {
            Carrier::Http1(sender) => Either::Left(sender.try_send_request(request)),
            Carrier::Http2(sender, _) => Either::Right(sender.try_send_request(request)),
        };
        within(deadline, exchange)
    }
}

async fn within(
    deadline: Option<Instant>,
    exchange: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Payload>>>>,
) -> Result<Response<Incoming>, Unanswered> {
    let outcome = match deadline {
        Some(deadline) => timeout_at(deadline, exchange).await,
        None => Ok(exchange.await),
    };
    match outcome {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(mut refused)) => Err(match refused.take_message() {
            Some(request) => {
                Unanswered { error: UpstreamError::Closed { sent: false }, request: Some(Box::new(request)) }
            }
            None => fault(refused.error()).into(),
        }),
        Err(_) => Err(UpstreamError::TimedOut { phase: Phase::FirstByte }.into()),
    }
}

/// What an error after sending means. The server may have run the request.
pub(super) fn fault(error: &hyper::Error) -> UpstreamError {
    if error.is_parse_too_large() {
        UpstreamError::Protocol("the head of the answer is too large")
    } else if error.is_parse() {
        UpstreamError::Protocol("the answer is not HTTP")
    } else if error.is_user() {
        UpstreamError::Protocol("the request cannot be sent")
    } else {
        UpstreamError::Closed { sent: true }
    }
}

async fn open_http1<T>(io: T) -> Result<Connection, UpstreamError>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    let (sender, driver) = builder.max_buf_size(READ_BUFFER).handshake(io).await.map_err(|_| UpstreamError::Connect)?;
    tokio::spawn(async move {
        // Whoever waits for an answer is told of the error; an idle connection that ends is no news.
        let _ = driver.await;
    });
    Ok(Connection::new(Carrier::Http1(sender)))
}

async fn open_http2<T>(io: T) -> Result<Connection, UpstreamError>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(READ_BUFFER as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let (sender, mut driver) = builder.handshake(io).await.map_err(|_| UpstreamError::Connect)?;
    let streams = Arc::new(Streams { open: AtomicU32::new(0), room: AtomicUsize::new(STREAMS) });
    let stream = Stream::open(&streams);
    tokio::spawn(poll_fn(move |context| {
        let outcome = Pin::new(&mut driver).poll(context);
        streams.room.store(driver.current_max_send_streams(), Ordering::Relaxed);
        outcome.map(drop)
    }));
    Ok(Connection::new(Carrier::Http2(sender, stream)))
}
