//! The configuration stream as a whole: operators' logs, gateways, and connections that stall and drop between them.

mod convergence;
mod harness;
mod scenarios;
