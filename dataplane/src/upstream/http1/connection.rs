//! One HTTP/1.1 connection: a request goes out, its answer comes in, and whoever waits for it does the reading and writing.
//! It knows no clock and decides nothing about retries; it says whether any of a request was sent.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::HEAD;
use super::answer::Reading;
use super::head::Head;
use super::output::Output;
use super::piece::Progress;
use super::socket::Socket;
use crate::upstream::UpstreamError;

/// Space for one read. Most answers fit, and an idle connection holds no more.
const READ: usize = 8 * 1024;

/// A connection with what its one exchange has in hand.
pub(in crate::upstream) struct Http1<S = Socket> {
    socket: S,
    /// What came and was not taken.
    input: BytesMut,
    output: Output,
    reading: Reading,
    /// The answer came when all of the request had left.
    in_turn: bool,
    /// The request has just been loaded.
    fresh: bool,
}

impl Http1 {
    /// Whether an idle connection is still as its last answer left it: open, and without a byte that nobody asked for.
    pub(in crate::upstream) fn is_quiet(&mut self) -> bool {
        self.socket.is_quiet()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    pub(in crate::upstream) fn new(socket: S) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
            output: Output::default(),
            reading: Reading::new(false),
            in_turn: false,
            fresh: false,
        }
    }

    /// Makes a request the next thing to be written.
    pub(in crate::upstream) fn load(&mut self, request: &Request<Bytes>) {
        self.output.load(request);
        self.reading = Reading::new(request.method() == Method::HEAD);
        self.fresh = true;
    }

    /// Sends what was loaded and reads the head of its answer. `request` is taken away as soon as the server may have seen any of it.
    pub(in crate::upstream) fn poll_head(
        &mut self,
        request: &mut Option<Request<Bytes>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Head, UpstreamError>> {
        // Requests that came together leave together: whoever is ready to be read is read first. One by one, each write finds the server asleep again and
        // pays for waking it (2.5 us a call, on 16 connections to a server on another core).
        if std::mem::take(&mut self.fresh) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A server may answer early and close: its answer counts, and what it did not read does not.
        self.output.push(&mut self.socket, context);
        if !self.output.has_begun() {
            // What came in now would answer something else.
            return if self.output.is_lost() {
                Poll::Ready(Err(UpstreamError::Closed { sent: false }))
            } else {
                Poll::Pending
            };
        }
        *request = None;
        loop {
            if let Some(head) = self.reading.head(&mut self.input)? {
                self.in_turn = self.output.is_sent();
                return Poll::Ready(Ok(head));
            }
            if ready!(self.poll_read(context)).unwrap_or(0) == 0 {
                return Poll::Ready(Err(UpstreamError::Closed { sent: true }));
            }
        }
    }

    /// The next piece of the answer's body as it comes; `None` at its end.
    pub(in crate::upstream) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            match self.reading.chunk(&mut self.input) {
                Ok(Progress::Data(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Progress::End) => return Poll::Ready(None),
                Ok(Progress::Starved) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            // After an early answer the server may still want the rest of the request before it goes on.
            self.output.push(&mut self.socket, context);
            let closed = match ready!(self.poll_read(context)) {
                Ok(0) => self.reading.close(),
                Ok(_) => Ok(()),
                Err(_) => Err(UpstreamError::Closed { sent: true }),
            };
            if let Err(error) = closed {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Whether the body was taken to its end.
    pub(in crate::upstream) fn is_complete(&self) -> bool {
        self.reading.is_complete()
    }

    /// How many bytes of the body are still to come, where that is known.
    pub(in crate::upstream) fn left(&self) -> Option<u64> {
        self.reading.left()
    }

    /// Whether another request may follow: the answer came in its turn, goes on, and nothing came after it.
    pub(in crate::upstream) fn goes_on(&mut self) -> bool {
        // What a large answer needed is not held while idle.
        if self.input.is_empty() && self.input.capacity() > 2 * READ {
            self.input = BytesMut::new();
        }
        self.in_turn && self.reading.goes_on() && self.input.is_empty()
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.is_empty() || self.input.len() == self.input.capacity() {
            let expected = self.reading.left().map_or(0, |left| usize::try_from(left).unwrap_or(usize::MAX));
            self.input.reserve(expected.clamp(READ, HEAD));
        }
        pin!(self.socket.read_buf(&mut self.input)).poll(context)
    }
}
