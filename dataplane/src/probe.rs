//! What the servers that this gateway is assigned speak and offer: the handshake in both eras, the tools, and the report of both.
//!
//! Runs beside the workers, never on a request's path. It holds on to what servers said byte for byte, repeats none of their words in a
//! report's message, and concludes nothing from an answer that says nothing (a timeout, a 5xx).

mod examine;
mod facts;
mod fault;
mod handshake;
mod listing;
mod prober;
mod report;
mod target;
mod wire;

pub use examine::{Found, examine};
pub use fault::{Fault, Reason};
pub use listing::{Listing, Omitted};
pub use prober::Prober;
pub use report::Finding;
pub use target::{Credential, Target, Timing};

#[cfg(test)]
pub(crate) mod tests;
