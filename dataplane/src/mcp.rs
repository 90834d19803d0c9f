//! The protocol core: what MCP messages are, how they are read without being built, edited without being written anew, and carried across revisions.
//!
//! Pure: no sockets, no runtime, no clock. It must never re-serialise what a client or a server wrote; edits are splices of byte ranges.

pub mod answer;
pub mod classify;
pub mod cross;
pub mod cursor;
pub mod definition;
pub mod digest;
pub mod envelope;
pub mod error;
pub mod glob;
pub mod headers;
mod json;
pub mod listing;
pub mod message;
pub mod name;
pub mod page;
pub mod param;
pub mod revision;
pub mod seal;
pub mod session;
pub mod span;
pub mod splice;
pub mod sse;

pub use answer::{InvalidAnswer, ResponseEnvelope, scan_response};
pub use envelope::{Envelope, Malformed, Meta, Shape, scan};
pub use revision::{Era, Revision};
pub use span::{Member, Span, Text};
pub use splice::Splice;
