//! Sessions that the gateway opens upstream: at an older client's `initialize`, or for a modern client towards a server that knows only sessions.

use std::sync::Arc;

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

/// Sessions of one server for clients who have none of their own.
pub struct LegacySessions {
    by_owner: Cache<Owner, Arc<Opened>>,
}

impl Default for LegacySessions {
    fn default() -> Self {
        Self { by_owner: Cache::new(KEPT) }
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
}
