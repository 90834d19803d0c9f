//! The gateway: the request path from an agent to an MCP server, the protocol in between, upstream connections, policy and telemetry.
//!
//! It must never import `kube` or `portolan-crds`, nor hold a Kubernetes token: all that it knows comes over the configuration stream.

pub mod mcp;
pub mod policy;
pub mod probe;
pub mod upstream;
