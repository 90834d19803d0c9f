//! A request on its way out: one buffer with its head and, where it is small, its body; a large body is written beside it and never copied.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::Request;
use tokio::io::AsyncWrite;

use super::write;

/// Bodies up to this size go into the buffer of the head: one write of one piece.
const COPIED: usize = 8 * 1024;

/// What is still to be written of one request.
#[derive(Debug, Default)]
pub(super) struct Output {
    buffer: BytesMut,
    body: Bytes,
    /// Whether the socket took any of it.
    begun: bool,
    /// Whether the socket may hold some of it back (TLS does).
    held: bool,
    /// Whether some of it will never leave.
    lost: bool,
}

impl Output {
    /// Takes a request in; nothing of the one before is left.
    pub(super) fn load(&mut self, request: &Request<Bytes>) {
        self.buffer.clear();
        self.body = Bytes::new();
        (self.begun, self.held, self.lost) = (false, true, false);
        write::head(request, &mut self.buffer);
        if request.body().len() <= COPIED {
            self.buffer.extend_from_slice(request.body());
        } else {
            self.body = request.body().clone();
        }
    }

    /// Whether the server may have seen any of it.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether all of it has left.
    pub(super) fn is_sent(&self) -> bool {
        !self.held && !self.lost && self.buffer.is_empty() && self.body.is_empty()
    }

    /// Whether some of it will never leave.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Writes what is left, as far as that goes; a socket that takes no more loses the rest.
    pub(super) fn push(&mut self, socket: &mut (impl AsyncWrite + Unpin), context: &mut Context<'_>) {
        if !self.is_sent() && !self.lost && matches!(self.poll_write(socket, context), Poll::Ready(Err(_))) {
            self.buffer.clear();
            self.body = Bytes::new();
            self.lost = true;
        }
    }

    fn poll_write(
        &mut self,
        socket: &mut (impl AsyncWrite + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() || !self.body.is_empty() {
            let written = if self.body.is_empty() {
                ready!(Pin::new(&mut *socket).poll_write(context, &self.buffer))?
            } else {
                let slices = [IoSlice::new(&self.buffer), IoSlice::new(&self.body)];
                ready!(Pin::new(&mut *socket).poll_write_vectored(context, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.begun = true;
            let of_buffer = written.min(self.buffer.len());
            self.buffer.advance(of_buffer);
            self.body.advance(written - of_buffer);
        }
        if self.held {
            ready!(Pin::new(socket).poll_flush(context))?;
            self.held = false;
        }
        Poll::Ready(Ok(()))
    }
}
