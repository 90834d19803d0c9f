//! `portolan`: standalone and check, on the operator's and the gateway's own code.
//!
//! Reads files, prints, and puts the parts together; it must never decide anything that an operator or a gateway decides.

pub mod check;
mod follow;
mod manifests;
pub mod options;
mod report;
mod snippet;
pub mod standalone;
mod yaml;
