//! The gateway: the request path from an agent to an MCP server, the protocol in between, upstream connections, policy and telemetry.
//!
//! It must never import `kube` or `portolan-crds`, nor hold a Kubernetes token: all that it knows comes over the configuration stream.

pub mod admin;
mod clock;
pub mod config;
pub mod disk;
pub mod drain;
mod followed;
pub mod gateway;
pub mod jwks;
pub mod limits;
pub mod listener;
pub mod mcp;
pub mod options;
pub mod policy;
pub mod probe;
pub mod request;
pub mod snapshot;
pub mod stop;
pub mod telemetry;
pub mod upstream;
pub mod worker;

#[cfg(test)]
mod corpora;
