//! What a gateway serves from: every resource that is in force, compiled.
//!
//! A request reads exactly one snapshot from its first decision to its last. Everybody reads it, nobody writes it: a change makes a new one, which
//! shares every part that the change did not touch. Nothing in here is unparsed, and nothing in here knows a socket but the upstreams' own pools.

pub mod catalogue;
pub mod compile;
pub mod parts;
pub mod route;
pub mod schemas;
pub mod server;
pub mod sessions;
mod shards;
mod table;
pub mod tools;
pub mod visibility;

use std::sync::Arc;

use portolan_config::{Kind, Name, Version};
use sha2::{Digest, Sha256};

pub use compile::Compiler;
pub use route::{Access, Resource, Route, RouteServer};
pub use server::Server;
use shards::Shards;
use table::Table;
pub use tools::{Tool, ToolSet};

/// Where the resources of a snapshot came from; `/config` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing has arrived yet.
    None,
    /// The operator's stream.
    Stream,
    /// The disk: what was in force when this gateway last ran. No operator has been reached yet.
    Disk,
    /// Manifest files, by way of the operator's own core in the same process.
    Files,
}

impl Source {
    /// The word in `/config` and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Stream => "Stream",
            Self::Disk => "Disk",
            Self::Files => "Files",
        }
    }
}

/// Ended sessions by fingerprint, with the second since 1970 at which they would have expired.
type Ended = Arc<[([u8; 16], u64)]>;

/// Everything that one request may need to know.
pub struct Snapshot {
    /// Epoch of the stream that brought the newest step.
    pub epoch: u64,
    /// Where the resources came from.
    pub source: Source,
    /// Gateways of the fleet, at least 1: each enforces its share of a rate limit.
    pub pods: u32,
    shown: Shown,
    ended: Ended,
}

/// What is in force, in tables that one snapshot shares with the next: a copy of them costs the same, however much there is.
#[derive(Clone, Default)]
struct Shown {
    resources: Shards<(Name, Version)>,
    servers: Shards<(Name, Arc<Server>)>,
    routes: Table,
}

impl Snapshot {
    /// A snapshot that serves nothing: every request answers 503 until the first step is in force.
    pub fn empty() -> Self {
        Self { epoch: 0, source: Source::None, pods: 1, shown: Shown::default(), ended: Arc::default() }
    }

    /// Whether nothing has arrived yet.
    pub fn is_empty(&self) -> bool {
        self.source == Source::None
    }

    /// The route of a normalised host (lower case, no port) and an exact path. A route that names the host wins over one that takes any.
    pub fn route(&self, host: &str, path: &str) -> Option<&Arc<Route>> {
        self.shown.routes.route(host, path)
    }

    /// Whether some route names this host.
    pub fn names_host(&self, host: &str) -> bool {
        self.shown.routes.names_host(host)
    }

    /// A server by its resource name.
    pub fn server(&self, name: &str) -> Option<&Arc<Server>> {
        let servers = &self.shown.servers;
        servers.get(servers.hash(name), |(known, _)| known.as_str() == name).map(|(_, server)| server)
    }

    /// All servers, in order of their names.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        let mut servers: Vec<&(Name, Arc<Server>)> = self.shown.servers.iter().collect();
        servers.sort_unstable_by_key(|(name, _)| name);
        servers.into_iter().map(|(_, server)| server)
    }

    /// How many resources are in force.
    pub fn resource_count(&self) -> usize {
        self.shown.resources.len()
    }

    /// What is in force, in order of the names; for `/config`.
    pub fn resources(&self) -> impl Iterator<Item = &(Name, Version)> {
        let mut resources: Vec<&(Name, Version)> = self.shown.resources.iter().collect();
        resources.sort_unstable_by_key(|(name, _)| name);
        resources.into_iter()
    }

    /// Hash over the names and versions in force: equal on two gateways that serve the same. Looks at all of them.
    pub fn id(&self) -> String {
        let mut hasher = Sha256::new();
        // Assignments differ from gateway to gateway; all else is the same on each that serves the same.
        for (name, version) in self.resources().filter(|(name, _)| name.kind() != Kind::Assignment) {
            hasher.update(format!("{name}@{version}\n"));
        }
        hex::encode(&hasher.finalize()[..16])
    }

    /// All routes, once each.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        let mut seen = std::collections::BTreeSet::new();
        self.shown.routes.holders().filter(move |route| seen.insert(Arc::as_ptr(route)))
    }

    /// Sessions that were ended somewhere in the fleet, with the second since 1970 at which they would have expired.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }
}
