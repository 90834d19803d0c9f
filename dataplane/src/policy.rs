//! Policy: who calls, what they may see and call, and how often. Compiled when a snapshot is made, decided on borrowed facts.
//!
//! Everything here is a function of what it is given: no socket, no runtime, and time is passed in. It fails closed: what cannot be judged
//! is refused, and an identity is part of every key under which something is remembered.

mod authentication;
mod authorization;
mod facts;
pub mod gcra;
mod identity;
mod keys;
mod rates;
mod set;
mod strict;
mod token;
mod unauthenticated;

#[cfg(test)]
mod samples;

pub use authentication::{Authentication, KeySource, published_at};
pub use facts::{CallFacts, ItemFacts};
pub use identity::Identity;
pub use keys::check as check_key_set;
pub use rates::{Limited, Limiting};
pub use set::{Attached, Judgement, PolicySet, Verdict, check};
pub use unauthenticated::Unauthenticated;
