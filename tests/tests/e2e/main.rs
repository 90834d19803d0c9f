//! The whole, with real processes on a real API server: from `kubectl apply` to an answered call, and everything that may happen on the way.

#![expect(clippy::expect_used, reason = "a test may panic, and says what it expected")]

mod alone;
mod anywhere;
mod applied;
mod benchmark;
mod conflicts;
mod edits;
mod holders;
mod outages;
mod permissions;
mod policies;
mod quiet;
mod rotation;
mod secrets;
mod servers;
mod service;
mod setup;
mod stream;
