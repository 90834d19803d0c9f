//! Asking for a key set ahead of its time, from where requests are served: one atomic load, and no number of callers makes more than one wish.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

/// Wishes by URL; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Hasten(Arc<ArcSwap<HashMap<Arc<str>, Arc<Notify>>>>);

impl Hasten {
    /// A token named a key that the set at this URL does not have. It returns at once; whether anybody is asked is not the caller's to decide.
    pub fn ask(&self, url: &str) {
        if let Some(wanted) = self.0.load().get(url) {
            wanted.notify_one();
        }
    }

    /// Wishes go to these from now on.
    pub(super) fn replace(&self, wanted: impl Iterator<Item = (Arc<str>, Arc<Notify>)>) {
        self.0.store(Arc::new(wanted.collect()));
    }
}
