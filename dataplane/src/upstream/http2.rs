//! HTTP/2 connections, which are hyper's: one task each, shared by the requests of a worker. Here is only how they are made, how many streams they
//! have, and what their errors mean.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::error::UpstreamError;
use super::http1::{HEAD, Head};

/// Streams on one connection before another connection is made, whatever more the server would take.
const STREAMS: usize = 100;
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// With streams open, a peer that answers no ping for so long is gone.
const PING: Duration = Duration::from_secs(10);

/// The exchanges of one connection.
struct Streams {
    open: AtomicU32,
    /// What the server takes at once, as last heard.
    room: AtomicUsize,
}

/// Counts one exchange of a connection for as long as it lives.
struct Stream(Arc<Streams>);

impl Stream {
    fn open(streams: &Arc<Streams>) -> Self {
        streams.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that its requests share.
pub(super) struct Shared {
    sender: SendRequest<Full<Bytes>>,
    streams: Arc<Streams>,
}

impl Shared {
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) fn open_streams(&self) -> u32 {
        self.streams.open.load(Ordering::Relaxed)
    }

    /// Whether a further connection would serve better.
    pub(super) fn is_full(&self) -> bool {
        self.open_streams() as usize >= self.streams.room.load(Ordering::Relaxed).min(STREAMS)
    }

    /// A place for one more exchange.
    pub(super) fn exchange(&self) -> Http2 {
        Http2 { sender: self.sender.clone(), stream: Stream::open(&self.streams), incoming: None }
    }
}

/// One exchange over a connection that others may share.
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    stream: Stream,
    /// The body of the answer; `None` before and after.
    incoming: Option<Incoming>,
}

impl Http2 {
    /// Speaks HTTP/2 over a socket, driven by a task of the current runtime.
    pub(super) async fn open<T>(io: T) -> Result<Self, UpstreamError>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD as u32)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let (sender, mut driver) = builder.handshake(io).await.map_err(|_| UpstreamError::Connect)?;
        let streams = Arc::new(Streams { open: AtomicU32::new(0), room: AtomicUsize::new(STREAMS) });
        let stream = Stream::open(&streams);
        tokio::spawn(poll_fn(move |context| {
            let outcome = Pin::new(&mut driver).poll(context);
            streams.room.store(driver.current_max_send_streams(), Ordering::Relaxed);
            // Whoever waits for an answer is told of the error; an idle connection that ends is no news.
            outcome.map(drop)
        }));
        Ok(Self { sender, stream, incoming: None })
    }

    /// The same connection for others.
    pub(super) fn share(&self) -> Shared {
        Shared { sender: self.sender.clone(), streams: Arc::clone(&self.stream.0) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer. `request` is taken away unless not a byte was sent. Dropping the future resets the stream.
    pub(super) async fn ask(&mut self, request: &mut Option<Request<Bytes>>) -> Result<Head, UpstreamError> {
        let Some(asked) = request.take() else { return Err(UpstreamError::Closed { sent: true }) };
        let body = asked.body().clone();
        match self.sender.try_send_request(asked.map(Full::new)).await {
            Ok(response) => {
                let (head, incoming) = response.into_parts();
                self.incoming = Some(incoming);
                Ok(Head { status: head.status, headers: head.headers })
            }
            Err(mut refused) => match refused.take_message() {
                Some(back) => {
                    *request = Some(back.map(|_| body));
                    Err(UpstreamError::Closed { sent: false })
                }
                None => Err(fault(refused.error())),
            },
        }
    }

    /// The next piece of the answer's body; `None` at its end.
    pub(super) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            return Poll::Ready(match ready!(Pin::new(incoming).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    // Trailers mean nothing in MCP.
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(fault(&error))),
                None => None,
            });
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    /// How many bytes of the body are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.incoming.as_ref().map_or(Some(0), |incoming| incoming.size_hint().exact())
    }
}

/// What an error after sending means. The server may have run the request.
fn fault(error: &hyper::Error) -> UpstreamError {
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
