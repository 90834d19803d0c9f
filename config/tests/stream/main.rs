//! The configuration stream as a whole: operators' logs, gateways, and connections that stall and drop between them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod convergence;
mod harness;
mod scenarios;
