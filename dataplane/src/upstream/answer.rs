//! The answer of a server as it arrives: its body holds the connection and the permit, gives both back at its end, and takes the
//! connection down when it is dropped before (that is how a call is cancelled). It never reads more than the caller allows.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::{Carrier, Connection, fault};
use super::error::{Phase, UpstreamError};
use super::host::Permit;

/// Head and body of an answer.
pub struct Answer {
    /// The HTTP status; redirects are answers like any other and are never followed.
    pub status: StatusCode,
    /// Header fields as the server sent them.
    pub headers: HeaderMap,
    /// The body, as it arrives.
    pub body: AnswerBody,
    /// The endpoint that answered: what a session remembers as its own.
    pub endpoint: Arc<str>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The body of an answer.
pub struct AnswerBody {
    /// `None` after the end and after an error.
    incoming: Option<Incoming>,
    lease: Option<Lease>,
    /// Bytes that may still come.
    left: u64,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What an answer holds until its end.
pub(super) struct Lease {
    pub(super) permit: Permit,
    pub(super) connection: Connection,
    pub(super) worker: usize,
}

impl Lease {
    /// Gives an HTTP/1.1 connection back to the pool. (An HTTP/2 connection never left it.)
    fn end(self) {
        let Self { permit, mut connection, worker } = self;
        if !matches!(connection.carrier, Carrier::Http1(_)) {
            return;
        }
        let now = Instant::now();
        if connection.is_usable(now) {
            permit.host.pool(worker).put(connection, now);
            return;
        }
        // Its task has read the answer's end on another thread and is about to be ready.
        let host = Arc::clone(&permit.host);
        tokio::spawn(async move {
            if let Carrier::Http1(sender) = &mut connection.carrier
                && sender.ready().await.is_ok()
            {
                host.pool(worker).put(connection, Instant::now());
            }
        });
    }
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, bound: u64, deadline: Option<Instant>) -> Self {
        let mut body = Self { incoming: Some(incoming), lease: Some(lease), left: bound, deadline, timer: None };
        body.end_if_complete();
        body
    }

    /// The whole body; one that came in one piece is not copied.
    ///
    /// # Errors
    /// Whatever kept the body from being complete.
    pub async fn bytes(mut self) -> Result<Bytes, UpstreamError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// Whatever kept the body from being complete. There is nothing after an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        std::future::poll_fn(|context| self.poll_chunk(context)).await.transpose()
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            let outcome = match Pin::new(incoming).poll_frame(context) {
                Poll::Pending => return self.poll_deadline(context),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.count(&data).map(|()| data),
                    // Trailers mean nothing in MCP.
                    Err(_) => continue,
                },
                Poll::Ready(Some(Err(error))) => Err(fault(&error)),
                Poll::Ready(None) => {
                    self.end();
                    return Poll::Ready(None);
                }
            };
            match &outcome {
                Ok(_) => self.end_if_complete(),
                Err(_) => self.abandon(),
            }
            return Poll::Ready(Some(outcome));
        }
    }

    fn count(&mut self, data: &Bytes) -> Result<(), UpstreamError> {
        self.left = self.left.checked_sub(data.len() as u64).ok_or(UpstreamError::TooLarge)?;
        Ok(())
    }

    /// A timer is made only for an answer that keeps us waiting: most bodies arrive with their head.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.abandon();
        Poll::Ready(Some(Err(UpstreamError::TimedOut { phase: Phase::Total })))
    }

    fn end_if_complete(&mut self) {
        if self.incoming.as_ref().is_some_and(Body::is_end_stream) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.incoming = None;
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }

    fn abandon(&mut self) {
        self.incoming = None;
        self.lease = None;
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.poll_chunk(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AnswerBody").field("complete", &self.incoming.is_none()).finish_non_exhaustive()
    }
}
