//! What each principal may see of a route: a bitset over its tools, computed once for all principals that the rules cannot tell apart.
//!
//! The decision is the one that admits calls. Large sets are computed off the workers, and never twice at the same time for one key.

use std::sync::{Arc, OnceLock};

use quick_cache::sync::Cache;

use super::Route;
use crate::policy::{Identity, ItemFacts};

/// Bytes that one route's bitsets may take together.
const BYTES: u64 = 1 << 20;
/// Above this many tools a computation leaves the worker: about 2 us each with a rule or two.
const INLINE: usize = 200;

/// A principal's view of a route.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Visible(Box<[u64]>);

impl Visible {
    /// Whether tool number `index` may be seen.
    pub fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// The same without tool number `index`.
    #[cfg(test)]
    pub(crate) fn without(&self, index: usize) -> Self {
        let mut words = self.0.clone();
        if let Some(word) = words.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
        Self(words)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    fn compute(route: &Route, identity: &Identity, expired: u64) -> Self {
        let mut words = vec![0u64; route.tools.all().len().div_ceil(64)].into_boxed_slice();
        for (index, _) in route.tools.all().iter().enumerate() {
            if is_visible(route, identity, expired, index) {
                words[index / 64] |= 1 << (index % 64);
            }
        }
        Self(words)
    }
}

/// Whether a principal may see tool number `index`: the route's policies and the server's must both say so, and its server must not have
/// been silent for longer than the route keeps stale tools.
pub fn is_visible(route: &Route, identity: &Identity, expired: u64, index: usize) -> bool {
    let tool = &route.tools.all()[index];
    let Some(server) = &route.servers[tool.server].server else { return false };
    let gone = tool.server < 64 && expired & (1 << tool.server) != 0;
    let facts = |name| ItemFacts { identity, tool_name: name, tool_server: &server.label, annotations: &tool.hints };
    !gone && !server.closed && route.policy.visible(&facts(&tool.exposed)) && server.policy.visible(&facts(&tool.own))
}

/// The bitsets of one route, for as long as the route is in a snapshot unchanged.
pub struct VisibilityCache {
    /// Made by its first use: an empty one is kilobytes, and most of ten thousand routes are quiet.
    sets: OnceLock<Sets>,
    capacity: usize,
}

type Sets = Cache<(Box<[u64]>, u64), Arc<Visible>>;

impl VisibilityCache {
    /// A cache for a route with this many tools.
    pub fn new(tools: usize) -> Self {
        let each = (tools.div_ceil(64) * 8 + 64) as u64;
        Self { sets: OnceLock::new(), capacity: usize::try_from(BYTES / each).unwrap_or(1).max(8) }
    }

    fn sets(&self) -> &Sets {
        self.sets.get_or_init(|| Cache::new(self.capacity))
    }

    /// What `identity` may see of `route`.
    pub async fn view(route: &Arc<Route>, identity: &Arc<Identity>, expired: u64) -> Arc<Visible> {
        let servers = route.servers.iter().filter_map(|entry| entry.server.as_ref());
        let policies = std::iter::once(&route.policy).chain(servers.map(|server| &server.policy));
        let key = (policies.map(|policy| policy.visibility_key(identity)).collect(), expired);
        let compute = async {
            if route.tools.all().len() <= INLINE {
                return Ok(Arc::new(Visible::compute(route, identity, expired)));
            }
            let (route, identity) = (Arc::clone(route), Arc::clone(identity));
            let task = tokio::task::spawn_blocking(move || Visible::compute(&route, &identity, expired));
            task.await.map(Arc::new)
        };
        match route.visibility.sets().get_or_insert_async(&key, compute).await {
            Ok(visible) => visible,
            // The computation panicked or the runtime ends: nothing may be seen.
            Err(_) => Arc::new(Visible(Box::default())),
        }
    }
}
