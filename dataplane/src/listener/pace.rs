//! The pace of one connection: whether it waits, reads a head, answers, or is stuck; and how long that may last.
//!
//! hyper's own head timeout also runs while a kept-alive connection is idle, and it has none for a peer that takes no bytes. So the bytes are
//! watched here: one relaxed store per read, a clock only where a phase changes. Relaxed is enough, since one task touches a connection; but for the end
//! of HTTP/2 requests, which may be tasks on other threads.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::lengths::Lines;
use crate::clock;
use crate::limits::Limits;

/// Bytes that an HTTP/2 client sends before anything else: its preface and the header of a SETTINGS frame.
const HTTP2_HELLO: u64 = 24 + 9;

/// What one connection is doing. Times are milliseconds since it was accepted.
#[derive(Debug)]
pub(super) struct Pace {
    accepted: Duration,
    http2: bool,
    /// Requests that have no complete answer yet.
    open: AtomicU32,
    /// Bytes of a head have come, and not yet all of it.
    head: AtomicBool,
    /// Since when it has been idle, or reading that head.
    since: AtomicU64,
    /// Since when the peer has taken none of our bytes, plus one; 0 while it takes them.
    stalled: AtomicU64,
    received: AtomicU64,
    last: AtomicBool,
    /// `Content-Length` lines that came and that no request has shown.
    lengths: AtomicU32,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing; look again after this long.
    Wait(Duration),
    /// It has been idle for too long: close it gracefully.
    Close,
    /// It keeps us waiting: cut it. The word is for metrics.
    Cut(&'static str),
}

impl Pace {
    /// A connection that has just been accepted. An HTTP/2 one still owes its hello, after which only its pings and its age bound it.
    pub(super) fn new(http2: bool) -> Self {
        Self {
            accepted: clock::steady(),
            http2,
            open: AtomicU32::new(0),
            head: AtomicBool::new(true),
            since: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            received: AtomicU64::new(0),
            last: AtomicBool::new(false),
            lengths: AtomicU32::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(clock::steady().saturating_sub(self.accepted).as_millis()).unwrap_or(u64::MAX)
    }

    /// A request's head is complete; the guard lives as long as its answer.
    pub(super) fn request(self: &Arc<Self>) -> Busy {
        self.open.fetch_add(1, Relaxed);
        self.head.store(false, Relaxed);
        Busy(Arc::clone(self))
    }

    /// The next answer is the last one of this connection.
    pub(super) fn retire(&self) {
        self.last.store(true, Relaxed);
    }

    /// Whether [`Pace::retire`] was called.
    pub(super) fn is_last(&self) -> bool {
        self.last.load(Relaxed)
    }

    /// Whether more lengths came than requests have shown, this one, which may show one, included.
    pub(super) fn is_length_left(&self, shown: bool) -> bool {
        let left = self.lengths.load(Relaxed).saturating_sub(u32::from(shown));
        self.lengths.store(left, Relaxed);
        left > 0
    }

    fn read(&self, count: usize) {
        if self.http2 {
            let received = self.received.fetch_add(count as u64, Relaxed) + count as u64;
            if received >= HTTP2_HELLO && self.head.load(Relaxed) {
                self.head.store(false, Relaxed);
                self.since.store(self.now(), Relaxed);
            }
        } else if self.open.load(Relaxed) == 0 && !self.head.load(Relaxed) {
            self.head.store(true, Relaxed);
            self.since.store(self.now(), Relaxed);
        }
    }

    fn wrote(&self, progress: bool) {
        match (progress, self.stalled.load(Relaxed)) {
            (true, 0) => {}
            (true, _) => self.stalled.store(0, Relaxed),
            (false, 0) => self.stalled.store(self.now() + 1, Relaxed),
            (false, _) => {}
        }
    }

    /// What to do now.
    pub(super) fn advice(&self, limits: &Limits) -> Advice {
        self.advice_at(self.now(), limits)
    }

    fn advice_at(&self, now: u64, limits: &Limits) -> Advice {
        let left = |since: u64, bound: Duration| bound.saturating_sub(Duration::from_millis(now.saturating_sub(since)));
        let stall = match self.stalled.load(Relaxed) {
            0 => limits.send_stall,
            since => left(since - 1, limits.send_stall),
        };
        if stall.is_zero() {
            return Advice::Cut("send_stall");
        }
        if self.open.load(Acquire) > 0 {
            return Advice::Wait(stall);
        }
        let head = self.head.load(Relaxed);
        let phase = left(self.since.load(Relaxed), if head { limits.head } else { limits.idle });
        match (phase.is_zero(), head) {
            (false, _) => Advice::Wait(phase.min(stall)),
            (true, true) => Advice::Cut("head"),
            (true, false) => Advice::Close,
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Pace>);

impl Drop for Busy {
    fn drop(&mut self) {
        // In this order: whoever sees that no request is left must not take the time before it for the beginning of an idle one.
        self.0.since.store(self.0.now(), Relaxed);
        self.0.open.fetch_sub(1, Release);
    }
}

/// A stream whose bytes are watched.
pub(super) struct Paced<T> {
    stream: T,
    pace: Arc<Pace>,
    lines: Lines,
    /// Once we have said our last byte.
    leaving: Option<Leaving>,
}

/// Closing while the peer still sends makes the kernel reset the connection, and the peer may lose an answer that it has not read yet: a refusal
/// of a body that is too large, say. So what still comes is read and thrown away, for a little while.
struct Leaving {
    patience: Pin<Box<Sleep>>,
    bytes: usize,
}

/// How long a peer may go on sending after our last byte.
const LINGER: Duration = Duration::from_secs(1);
/// How much it may send then.
const LINGER_BYTES: usize = 1 << 20;

impl<T> Paced<T> {
    pub(super) fn new(stream: T, pace: Arc<Pace>) -> Self {
        Self { stream, pace, lines: Lines::default(), leaving: None }
    }

    fn noted(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(_)) => self.pace.wrote(true),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pace.wrote(false),
        }
        outcome
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        self.pace.read(came.len());
        if !self.pace.http2 {
            let lengths = self.lines.count(came);
            self.pace.lengths.fetch_add(lengths, Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, leaving, .. } = &mut *self;
        if leaving.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let leaving = leaving.get_or_insert_with(|| Leaving { patience: Box::pin(sleep(LINGER)), bytes: 0 });
        let mut space = [0; 4096];
        while leaving.bytes < LINGER_BYTES && leaving.patience.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut space);
            let came = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
            if came.is_err() || buffer.filled().is_empty() {
                break;
            }
            leaving.bytes += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
