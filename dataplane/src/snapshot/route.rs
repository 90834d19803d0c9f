//! A compiled route: the endpoint that agents see, with its servers, tools and policies joined.

use std::sync::Arc;

use bytes::Bytes;
use portolan_config::Name;

use super::server::Server;
use super::tools::ToolSet;
use super::visibility::VisibilityCache;
use crate::policy::{Authentication, PolicySet};
use crate::telemetry::RouteSeries;

/// How an agent addressed this gateway; only needed where the fleet declares no URL of its own.
#[derive(Clone, Debug)]
pub struct Resource {
    /// http or https.
    pub scheme: &'static str,
    /// Host and port as written.
    pub authority: String,
}

/// An endpoint, ready to serve.
pub struct Route {
    /// Its resource name.
    pub name: Name,
    /// "namespace/name", for people and metrics.
    pub label: Arc<str>,
    /// Its counters.
    pub series: Arc<RouteSeries>,
    /// The tenant: its namespace.
    pub tenant: Arc<str>,
    /// `metadata.generation` of the object; every audit line carries it.
    pub generation: i64,
    /// The exact path.
    pub path: Arc<str>,
    /// The hosts that it names, in lower case; one empty one where it takes any. No host twice.
    pub hosts: Box<[Arc<str>]>,
    /// When the object was made: of two routes with one address the older holds it.
    pub created: i64,
    /// Scheme, host and port that agents use, where the fleet declares it.
    pub external_url: Option<Arc<str>>,
    /// Who may come in.
    pub access: Access,
    /// What the route's policies say of calls.
    pub policy: PolicySet,
    /// In declared order.
    pub servers: Vec<RouteServer>,
    /// All tools, under the names that agents use.
    pub tools: ToolSet,
    /// What each principal may see, computed once.
    pub visibility: VisibilityCache,
    /// How long the tools of a server that does not answer stay listed, milliseconds.
    pub stale_for_ms: i64,
    /// Whether a list fails when a server's part of it cannot be shown.
    pub all_or_nothing: bool,
    /// Something that it depends on is invalid and has no good version: every request answers 503.
    pub closed: bool,
}

/// One server of a route.
pub struct RouteServer {
    /// The entry's name.
    pub entry: Arc<str>,
    /// The server; `None` until it is in the snapshot.
    pub server: Option<Arc<Server>>,
}

/// Who may come in.
pub enum Access {
    /// No policy speaks of authentication, and this gateway lets anybody in then (standalone on loopback).
    Open,
    /// No policy speaks of authentication: 401.
    Undeclared,
    /// As the policy says.
    Policy(Box<Authentication>),
}

impl Route {
    /// The URL of this endpoint as its agents know it; for fleets that declare none, as this agent addressed it.
    pub fn resource(&self, Resource { scheme, authority }: &Resource) -> String {
        match &self.external_url {
            Some(url) => format!("{}{}", url.trim_end_matches('/'), self.path),
            None => format!("{scheme}://{authority}{}", self.path),
        }
    }

    /// The RFC 9728 document of this endpoint; `None` where no authorization server is declared.
    pub fn metadata_document(&self, resource: &str) -> Option<Bytes> {
        match &self.access {
            Access::Policy(authentication) => Some(authentication.metadata_document(resource)),
            Access::Open | Access::Undeclared => None,
        }
    }

    /// Whether every server of the route has been listed by some gateway.
    pub fn complete(&self) -> bool {
        self.servers.iter().all(|entry| entry.server.as_ref().is_some_and(|server| server.facts.is_some()))
    }

    /// Which servers' tools have left the lists by `now_ms`: bit N for server N.
    pub fn expired(&self, now_ms: i64) -> u64 {
        let gone = |entry: &RouteServer| {
            let since = entry.server.as_ref().and_then(|server| server.stale_since_ms);
            since.is_some_and(|since| now_ms.saturating_sub(since) > self.stale_for_ms)
        };
        self.servers.iter().enumerate().filter(|(_, entry)| gone(entry)).fold(0, |mask, (index, _)| mask | 1 << index)
    }
}
