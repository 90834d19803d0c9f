//! What a gateway serves from: every resource that is in force, compiled.
//!
//! A request reads exactly one snapshot from its first decision to its last. Everybody reads it, nobody writes it: a change makes a new one, which
//! shares every part that the change did not touch. Nothing in here is unparsed, and nothing in here knows a socket but the upstreams' own pools.

pub mod catalogue;
pub mod compile;
pub mod parts;
pub mod route;
pub mod server;
pub mod tools;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use portolan_config::{Name, Version};

pub use compile::Compiler;
pub use route::{Access, Route, RouteServer};
pub use server::Server;
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

type Paths = HashMap<Box<str>, Arc<Route>, RandomState>;
type Hosts = HashMap<Box<str>, Paths, RandomState>;
/// Ended sessions by fingerprint, with the second since 1970 at which they would have expired.
type Ended = Arc<[([u8; 16], u64)]>;

/// Everything that one request may need to know.
pub struct Snapshot {
    /// Hash over the names and versions in force: equal on two gateways that serve the same.
    pub id: Arc<str>,
    /// Epoch of the stream that brought the newest step.
    pub epoch: u64,
    /// Where the resources came from.
    pub source: Source,
    /// What is in force, by name; for `/config`.
    pub resources: Arc<BTreeMap<Name, Version>>,
    /// Gateways of the fleet, at least 1: each enforces its share of a rate limit.
    pub pods: u32,
    by_host: Hosts,
    any_host: Paths,
    servers: BTreeMap<Name, Arc<Server>>,
    ended: Ended,
}

impl Snapshot {
    /// A snapshot that serves nothing: every request answers 503 until the first step is in force.
    pub fn empty() -> Self {
        Self {
            id: Arc::from(""),
            epoch: 0,
            source: Source::None,
            resources: Arc::default(),
            pods: 1,
            by_host: HashMap::default(),
            any_host: HashMap::default(),
            servers: BTreeMap::new(),
            ended: Arc::default(),
        }
    }

    /// Whether nothing has arrived yet.
    pub fn is_empty(&self) -> bool {
        self.source == Source::None
    }

    /// The route of a normalised host (lower case, no port) and an exact path. A route that names the host wins over one that takes any.
    pub fn route(&self, host: &str, path: &str) -> Option<&Arc<Route>> {
        self.by_host.get(host).and_then(|paths| paths.get(path)).or_else(|| self.any_host.get(path))
    }

    /// Whether some route names this host.
    pub fn names_host(&self, host: &str) -> bool {
        self.by_host.contains_key(host)
    }

    /// A server by its resource name.
    pub fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.get(name)
    }

    /// All servers, in order of their names.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.servers.values()
    }

    /// All routes, once each.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        let mut seen = std::collections::BTreeSet::new();
        let hosts = self.by_host.values().flat_map(HashMap::values);
        hosts.chain(self.any_host.values()).filter(move |route| seen.insert(Arc::as_ptr(route)))
    }

    /// Sessions that were ended somewhere in the fleet, with the second since 1970 at which they would have expired.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }
}
