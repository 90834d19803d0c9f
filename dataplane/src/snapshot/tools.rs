//! The tools of one route: who has which name, and the bytes that a list shows.
//!
//! Built when a snapshot is made, off the workers. A call finds its tool by one hash lookup, however many there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use foldhash::fast::RandomState;
use portolan_config::exposure::{self, Hints};
use portolan_config::proto;
use sha2::{Digest, Sha256};

use super::catalogue::CatalogueTool;
use super::server::Server;
use crate::mcp::definition::Definition;
use crate::mcp::param::ParamHeader;
use crate::mcp::revision::Era;
use crate::telemetry::{RouteSeries, ToolSeries};

/// A tool as a route shows it.
pub struct Tool {
    /// The name that agents use.
    pub exposed: Arc<str>,
    /// The name that its server uses.
    pub own: Arc<str>,
    /// Index into the route's servers.
    pub server: usize,
    /// Trusted annotations only.
    pub hints: Hints,
    /// Headers that mirror arguments towards 2026-07-28 servers.
    pub headers: Arc<[ParamHeader]>,
    /// Its counters.
    pub series: Arc<ToolSeries>,
}

/// All tools of a route, in the order of its servers.
#[derive(Default)]
pub struct ToolSet {
    tools: Vec<Tool>,
    /// What lists show, for each era: the definitions with exposed names and descriptions spliced in.
    modern: Vec<Bytes>,
    legacy: Vec<Bytes>,
    by_name: HashMap<Arc<str>, usize, RandomState>,
    digest: u64,
    number: u64,
}

/// The number of the next set that is gathered. 0 is left to sets without tools, which are all the same.
static GATHERED: AtomicU64 = AtomicU64::new(1);

/// One entry of a route while its tools are gathered.
pub struct Entry<'a> {
    /// As the route declares it.
    pub proto: &'a proto::RouteServer,
    /// Where its calls go.
    pub server: &'a Server,
    /// Index into the route's servers.
    pub index: usize,
}

impl ToolSet {
    /// Gathers the tools of the entries in their order. Of two tools with one exposed name the first wins; with `reject` the whole later server
    /// stays out instead. Either is the same on every gateway, since it depends on declared order alone.
    pub fn gather(entries: &[Entry<'_>], reject: bool, series: &Arc<RouteSeries>) -> Self {
        let mut set = Self::default();
        for entry in entries {
            let shown = entry.server.catalogue.tools().filter_map(|tool| Some((expose(entry, tool, series)?, tool)));
            let shown: Vec<(Tool, &CatalogueTool)> = shown.collect();
            if reject && shown.iter().any(|(tool, _)| set.by_name.contains_key(&tool.exposed)) {
                continue;
            }
            for (tool, defined) in shown {
                set.add(entry, tool, &defined.definition);
            }
        }
        set.digest = set.hash();
        set.number = GATHERED.fetch_add(1, Ordering::Relaxed);
        set
    }

    fn add(&mut self, entry: &Entry<'_>, tool: Tool, definition: &Definition) {
        if self.by_name.contains_key(&tool.exposed) {
            return;
        }
        let change = entry.proto.overrides.iter().find(|change| *change.name == *tool.own);
        let description = change.and_then(|change| change.description.as_deref());
        let modern = definition.render(&tool.exposed, description, Era::Modern);
        let legacy = if definition.differs_by_era() {
            definition.render(&tool.exposed, description, Era::Legacy)
        } else {
            modern.clone()
        };
        self.by_name.insert(Arc::clone(&tool.exposed), self.tools.len());
        self.tools.push(tool);
        self.modern.push(modern);
        self.legacy.push(legacy);
    }

    /// What lists show an agent of this era, in listing order.
    pub fn rendered(&self, era: Era) -> &[Bytes] {
        match era {
            Era::Modern => &self.modern,
            Era::Legacy => &self.legacy,
        }
    }

    /// The tool that agents call by this name.
    pub fn find(&self, exposed: &str) -> Option<(usize, &Tool)> {
        let index = *self.by_name.get(exposed)?;
        Some((index, &self.tools[index]))
    }

    /// All tools, in listing order.
    pub fn all(&self) -> &[Tool] {
        &self.tools
    }

    /// Hash over everything listed, the same on every gateway: cursors are good for one digest.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// A number that no other set of this process has or had: what was rendered of this one is found by it.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn hash(&self) -> u64 {
        let mut hasher = Sha256::new();
        for rendered in &self.modern {
            hasher.update((rendered.len() as u64).to_be_bytes());
            hasher.update(rendered);
        }
        let digest = hasher.finalize();
        u64::from_be_bytes(std::array::from_fn(|index| digest[index]))
    }
}

fn expose(entry: &Entry<'_>, tool: &CatalogueTool, series: &Arc<RouteSeries>) -> Option<Tool> {
    let own = tool.definition.name();
    let trusted = entry.server.trusted(own);
    if !exposure::shows(entry.proto, own, trusted, tool.definition.claimed_hints()) {
        return None;
    }
    let exposed: Arc<str> = exposure::outward(entry.proto, own).into();
    Some(Tool {
        series: series.tool(&entry.server.label, &exposed),
        exposed,
        own: Arc::from(own),
        server: entry.index,
        hints: trusted,
        headers: Arc::clone(&tool.headers),
    })
}
