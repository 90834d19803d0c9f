//! Rendered pages of lists, shared by everybody who may see the same tools.
//!
//! A page of a thousand tools is a quarter of a megabyte, and to copy it costs about as much as to send it. Pages are found by the set of tools
//! and by the whole view of whoever asks, never by who asks: two principals share a page exactly when no byte of it would differ. Nothing is
//! invalidated: a set that is no longer in force is not asked for again, and its pages make room for others.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::mcp::message;
use crate::mcp::page::{self, PageLimits};
use crate::mcp::revision::Era;
use crate::snapshot::ToolSet;
use crate::snapshot::visibility::Visible;

/// Pages that the cache is laid out for; one shard of it has to hold several of the largest.
const PAGES: usize = 64;
/// What an entry takes beside its page and its view, roughly.
const ENTRY: usize = 256;

/// A page as it is sent: the tools, and the end of the answer that holds them.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// See [`message::tools_list_tail`].
    pub tail: Bytes,
    /// Index of the first visible tool that the page has no room for.
    pub next: Option<usize>,
}

/// Which page of a set of tools.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Whose definitions.
    pub era: Era,
    /// Where it begins.
    pub start: usize,
    /// What may be seen; compared by what it says.
    pub visible: Arc<Visible>,
}

/// The pages that were rendered lately, as many as their bytes allow. The bounds of a page are the process's, so that they need no place in a key.
pub struct Pages(Cache<(u64, Asked), Rendered, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<(u64, Asked), Rendered> for ByBytes {
    fn weight(&self, (_, asked): &(u64, Asked), page: &Rendered) -> u64 {
        (page.tail.len() + asked.visible.bytes() + ENTRY) as u64
    }
}

impl Pages {
    /// Keeps pages of so many bytes together.
    pub fn new(bytes: u64) -> Self {
        Self(Cache::with_weighter(PAGES, bytes, ByBytes))
    }

    /// The page, from the cache or rendered now.
    pub fn page(&self, tools: &ToolSet, asked: Asked, limits: PageLimits) -> Rendered {
        let key = (tools.number(), asked);
        if let Some(page) = self.0.get(&key) {
            return page;
        }
        let asked = &key.1;
        let page = page::page(tools.rendered(asked.era), |index| asked.visible.contains(index), asked.start, limits);
        let page = Rendered { tail: message::tools_list_tail(&page), next: page.next };
        self.0.insert(key, page.clone());
        page
    }
}

#[cfg(test)]
mod tests;
