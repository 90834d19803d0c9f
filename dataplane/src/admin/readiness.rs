//! What a process still waits for before it is ready: a set of words, one for each [`Blocker`] that lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// Whether a process is ready; clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<Waiting>>);

/// What is waited for, and by how many.
type Waiting = BTreeMap<&'static str, usize>;

/// Keeps the process unready while it lives: dropped, even by a panic or an early return, it cannot be forgotten.
#[derive(Debug)]
#[must_use]
pub struct Blocker {
    readiness: Readiness,
    word: &'static str,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Ready, as long as nothing blocks it.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::channel(Waiting::new()).0))
    }

    /// Unready until the blocker is dropped; `word` says on `/readyz` what is waited for.
    pub fn block(&self, word: &'static str) -> Blocker {
        self.0.send_modify(|waiting| *waiting.entry(word).or_default() += 1);
        Blocker { readiness: self.clone(), word }
    }

    /// What is waited for.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        self.0.borrow().keys().copied().collect()
    }

    /// Waits until nothing is missing.
    pub async fn ready(&self) {
        let mut changes = self.0.subscribe();
        // We hold the sender, so that the channel cannot close.
        let _ = changes.wait_for(BTreeMap::is_empty).await;
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        self.readiness.0.send_modify(|waiting| {
            if let Some(count) = waiting.get_mut(self.word) {
                *count -= 1;
                if *count == 0 {
                    waiting.remove(self.word);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
