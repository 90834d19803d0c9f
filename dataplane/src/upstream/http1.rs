//! HTTP/1.1 as a client: one connection, one exchange at a time, driven by whoever waits for the answer. It has no task of its own.
//!
//! The core ([`Reading`] with `head`, `framing`, `chunked` and `body`; `write`) is pure: bytes in, parts of an answer out, neither sockets nor clocks. What an answer
//! says in two ways is refused and never guessed at; a connection serves again only if one answer came, to its end, and nothing after it.

mod answer;
mod body;
mod chunked;
mod connection;
mod framing;
mod head;
mod output;
mod piece;
mod socket;
mod write;

pub use answer::Reading;
pub(super) use connection::Http1;
pub use head::Head;
pub use piece::Progress;
pub(super) use socket::Socket;

use super::error::UpstreamError;

/// Bytes that an answer's head may have.
pub(super) const HEAD: usize = 64 * 1024;
/// Fields of a head, and of the trailers.
const FIELDS: usize = 100;

/// What is said of an answer that is not HTTP, or that could be read in two ways.
const NOT_HTTP: UpstreamError = UpstreamError::Protocol("the answer is not HTTP");
/// What is said of a length that cannot be one, or of two of them.
const FRAMING: UpstreamError = UpstreamError::Protocol("the answer's length is in doubt");
/// What is said of a head, or of what surrounds a body, that has no end.
const TOO_LARGE: UpstreamError = UpstreamError::Protocol("the head of the answer is too large");

#[cfg(test)]
mod tests;
