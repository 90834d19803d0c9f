//! The answer of a server as it arrives: its body holds the connection and the permit, gives both back at its end, and takes the
//! connection down when it is dropped before (that is how a call is cancelled). It never reads more than the caller allows.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::connection::{Carrier, Connection};
use super::error::UpstreamError;
use super::host::Permit;

/// A body whose length is known is given its space at once, up to this much: what the server only says costs no memory.
const ROOM: u64 = 1 << 20;

/// Head and body of an answer.
pub struct Answer {
    /// The HTTP status; redirects are answers like any other and are never followed.
    pub status: StatusCode,
    /// The header fields that this gateway reads, and perhaps others, as the server sent them.
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
    lease: Option<Lease>,
    /// Bytes that may still come.
    left: u64,
    deadline: Option<Instant>,
}

/// What an answer holds until its end.
pub(super) struct Lease {
    pub(super) permit: Permit,
    pub(super) connection: Connection,
    pub(super) worker: usize,
}

impl Lease {
    /// Gives an HTTP/1.1 connection back to the pool, if it is good for more. (An HTTP/2 connection never left it.)
    fn end(mut self) {
        if let Carrier::Http1(connection) = &mut self.connection.carrier
            && connection.goes_on()
        {
            self.permit.host.keep(self.connection, self.worker);
        }
    }
}

impl AnswerBody {
    pub(super) fn new(lease: Lease, bound: u64, deadline: Option<Instant>) -> Self {
        let mut body = Self { lease: Some(lease), left: bound, deadline };
        body.end_if_complete();
        body
    }

    /// The whole body; one that came in one piece is not copied.
    ///
    /// # Errors
    /// Whatever kept the body from being complete.
    pub async fn bytes(mut self) -> Result<Bytes, UpstreamError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        if self.lease.is_none() {
            return Ok(first);
        }
        let rest = self.lease.as_ref().and_then(|lease| lease.connection.left()).unwrap_or(0).min(ROOM);
        let mut whole = BytesMut::with_capacity(first.len() + usize::try_from(rest).unwrap_or(0));
        whole.extend_from_slice(&first);
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
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        let Some(chunk) = std::task::ready!(lease.connection.poll_chunk(self.deadline, context)) else {
            self.end();
            return Poll::Ready(None);
        };
        let counted = chunk.and_then(|data| self.count(data));
        match &counted {
            Ok(_) => self.end_if_complete(),
            // The connection is dropped with what it holds.
            Err(_) => self.lease = None,
        }
        Poll::Ready(Some(counted))
    }

    fn count(&mut self, data: Bytes) -> Result<Bytes, UpstreamError> {
        self.left = self.left.checked_sub(data.len() as u64).ok_or(UpstreamError::TooLarge)?;
        Ok(data)
    }

    fn end_if_complete(&mut self) {
        if self.lease.as_ref().is_some_and(|lease| lease.connection.is_complete()) {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AnswerBody").field("complete", &self.lease.is_none()).finish_non_exhaustive()
    }
}
