//! What several tests of the whole system share: a cluster, the built programs, servers and clients to put around them. Nothing here ships.
#![warn(missing_docs)]

pub mod account;
pub mod agent;
pub mod chaos;
pub mod cluster;
pub mod conformance;
pub mod eventually;
pub mod fixture;
pub mod fleet;
pub mod http2;
pub mod identity;
pub mod kubelet;
pub mod load;
pub mod manifests;
pub mod mcp_server;
pub mod namespace;
pub mod netns;
pub mod official;
pub mod process;
pub mod recorder;
pub mod request;
pub mod standalone;
pub mod suite;
pub mod tap;
pub mod unshared;
