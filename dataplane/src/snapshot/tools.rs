//! The tools of one route: who has which name, and the bytes that a list shows.
//!
//! Built when a snapshot is made, off the workers. A call finds its tool by one hash lookup, however many there are.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use portolan_config::exposure::{self, Hints};
use portolan_config::proto;
use sha2::{Digest, Sha256};

use super::catalogue::CatalogueTool;
use super::server::Server;
use crate::mcp::definition;
use crate::mcp::param::ParamHeader;

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
    /// The definition with the exposed name and description spliced in.
    pub rendered: Bytes,
}

/// All tools of a route, in the order of its servers.
#[derive(Default)]
pub struct ToolSet {
    tools: Vec<Tool>,
    by_name: HashMap<Arc<str>, usize, RandomState>,
    digest: u64,
}

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
    pub fn gather(entries: &[Entry<'_>], reject: bool) -> Self {
        let mut set = Self::default();
        for entry in entries {
            let tools: Vec<Tool> = entry.server.catalogue.tools().filter_map(|tool| expose(entry, tool)).collect();
            if reject && tools.iter().any(|tool| set.by_name.contains_key(&tool.exposed)) {
                continue;
            }
            for tool in tools {
                if !set.by_name.contains_key(&tool.exposed) {
                    set.by_name.insert(tool.exposed.clone(), set.tools.len());
                    set.tools.push(tool);
                }
            }
        }
        set.digest = set.hash();
        set
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

    fn hash(&self) -> u64 {
        let mut hasher = Sha256::new();
        for tool in &self.tools {
            hasher.update((tool.rendered.len() as u64).to_be_bytes());
            hasher.update(&tool.rendered);
        }
        let digest = hasher.finalize();
        u64::from_be_bytes(std::array::from_fn(|index| digest[index]))
    }
}

fn expose(entry: &Entry<'_>, tool: &CatalogueTool) -> Option<Tool> {
    let trusted = entry.server.trusted(&tool.own);
    if !exposure::shows(entry.proto, &tool.own, trusted, tool.definition.hints) {
        return None;
    }
    let exposed: Arc<str> = exposure::outward(entry.proto, &tool.own).into();
    let change = entry.proto.overrides.iter().find(|change| *change.name == *tool.own);
    let description = change.and_then(|change| change.description.as_deref());
    Some(Tool {
        rendered: definition::render(&tool.definition, &tool.bytes, &exposed, description),
        exposed,
        own: Arc::from(&*tool.own),
        server: entry.index,
        hints: trusted,
        headers: Arc::clone(&tool.headers),
    })
}
