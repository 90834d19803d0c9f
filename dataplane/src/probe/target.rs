//! What the prober needs to know of a server.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use portolan_config::{Name, Version, proto};

use crate::mcp::Revision;
use crate::upstream::Upstream;

/// A server that this gateway is assigned.
#[derive(Clone)]
pub struct Target {
    /// The resource's name.
    pub name: Name,
    /// The resource's version in force.
    pub version: Version,
    /// Where its MCP endpoint is.
    pub path: PathAndQuery,
    /// `Host` of its requests.
    pub authority: HeaderValue,
    /// Revisions that may be spoken; empty: any.
    pub revisions: Vec<Revision>,
    /// How often to look, and how long to wait.
    pub timing: Timing,
    /// How the gateway authenticates.
    pub credential: Credential,
    /// Its connections.
    pub upstream: Arc<Upstream>,
}

impl Target {
    /// Whether looking again could find the same only: nothing that decides about the handshake has changed.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.version == other.version
            && self.path == other.path
            && self.authority == other.authority
            && self.revisions == other.revisions
            && self.timing == other.timing
            && self.credential == other.credential
            && Arc::ptr_eq(&self.upstream, &other.upstream)
    }

    pub(super) fn permits(&self, revision: Revision) -> bool {
        self.revisions.is_empty() || self.revisions.contains(&revision)
    }
}

/// The header that authenticates the gateway to a server.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// It asks for none.
    None,
    /// This one.
    Header(HeaderName, HeaderValue),
    /// Its secret is not to be had: nothing is sent.
    Missing,
}

/// Pace and patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks, +-20 %.
    pub interval: Duration,
    /// For each answer.
    pub timeout: Duration,
}

impl Timing {
    /// What a `Health` says; 15 s and 3 s where it says nothing.
    #[must_use]
    pub fn of(health: Option<&proto::Health>) -> Self {
        let or = |milliseconds: u32, default| match milliseconds {
            0 => default,
            some => Duration::from_millis(u64::from(some)),
        };
        Self {
            interval: or(health.map_or(0, |health| health.interval_ms), Duration::from_secs(15)),
            timeout: or(health.map_or(0, |health| health.timeout_ms), Duration::from_secs(3)),
        }
    }
}
