//! Sessions that the gateway opens upstream: at an older client's `initialize`, or for a modern client towards a server that knows only sessions.

use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use quick_cache::sync::Cache;

use crate::mcp::revision::Revision;

/// Sessions kept for modern clients on one server. The least used is forgotten beyond that; the server ends it when it likes.
const KEPT: usize = 4096;

/// A session on a server.
#[derive(Debug)]
pub struct Opened {
    /// Its id; `None` where the server gives none.
    pub id: Option<HeaderValue>,
    /// The endpoint that opened it: sessions live in one pod.
    pub endpoint: String,
    /// The revision agreed on.
    pub revision: Revision,
}

/// Whose session it is: the route and the principal. Two principals never share one, nor do two routes.
pub type Owner = ([u8; 16], Arc<str>);

/// Sessions of one server: those that are held for clients who have none of their own, and what is known of agents' sessions.
pub struct LegacySessions {
    by_owner: Lazy<Owner, Arc<Opened>>,
    /// Sessions of agents, by their own, in which nobody has called anything yet.
    unused: Lazy<[u8; 16], ()>,
    /// What stands for a session of an agent that the server lost before it was used.
    reopened: Lazy<[u8; 16], Arc<Opened>>,
}

/// A cache that is made by its first use: an empty one is kilobytes, and most of ten thousand servers have no session.
type Lazy<K, V> = LazyLock<Cache<K, V>>;

impl Default for LegacySessions {
    fn default() -> Self {
        Self {
            by_owner: Lazy::new(|| Cache::new(KEPT)),
            unused: Lazy::new(|| Cache::new(KEPT)),
            reopened: Lazy::new(|| Cache::new(KEPT)),
        }
    }
}

impl LegacySessions {
    /// The owner's session; opened by `open` if there is none, once even when many calls need it at the same time.
    pub async fn get<E>(&self, owner: &Owner, open: impl Future<Output = Result<Opened, E>>) -> Result<Arc<Opened>, E> {
        self.by_owner.get_or_insert_async(owner, async { open.await.map(Arc::new) }).await
    }

    /// Forgets a session that its server no longer knows; one that was opened since stays.
    pub fn forget(&self, owner: &Owner, lost: &Arc<Opened>) {
        self.by_owner.remove_if(owner, |kept| Arc::ptr_eq(kept, lost));
    }

    /// An agent's session has just begun, and only this gateway can say when it is used.
    pub fn begun(&self, agents: [u8; 16]) {
        self.unused.insert(agents, ());
    }

    /// The session that stands for the one sealed in the agent's.
    pub fn reopened(&self, agents: &[u8; 16]) -> Option<Arc<Opened>> {
        self.reopened.get(agents)
    }

    /// Something may have run in the agent's session.
    pub fn used(&self, agents: &[u8; 16]) {
        // Looked up first: all calls but one of a session find nothing, and take no lock from each other.
        if self.unused.contains_key(agents) {
            self.unused.remove(agents);
        }
    }

    /// Opens an agent's lost session anew by `open`, once for all calls that lost it; `None` if it was used. Use what is returned: the cache hands a
    /// new entry to those who wait for it a moment before others find it.
    pub async fn reopen<E>(
        &self,
        agents: &[u8; 16],
        lost: &Arc<Opened>,
        open: impl Future<Output = Result<Opened, E>>,
    ) -> Option<Result<Arc<Opened>, E>> {
        // In this order: whoever uses the new session has made it known before.
        let unused = self.unused.contains_key(agents);
        match self.reopened.get(agents) {
            Some(opened) => (!Arc::ptr_eq(&opened, lost)).then_some(Ok(opened)),
            None if unused => Some(self.reopened.get_or_insert_async(agents, async { open.await.map(Arc::new) }).await),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests;
