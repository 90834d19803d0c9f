//! Keeps one file up to date from an event loop: soon after a change, at most one write at a time, and a slow disk is written to less often.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::file::{File, Unusable};
use crate::mcp::seal::Ring;
use crate::telemetry::Metrics;

/// From a change to its write: what changes meanwhile is in the same write.
const REST: Duration = Duration::from_millis(200);
/// A write that took 100 ms is followed by 400 ms without one,
const SHARE: u32 = 4;
/// but a change is never left unwritten for longer than this.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// From a write that failed to the next.
const RETRY: Duration = Duration::from_secs(3);

/// The file of one content, or none where there is no data folder.
pub struct Keeper {
    file: Option<Arc<File>>,
    metrics: Metrics,
    /// When what has changed is to be written.
    due: Option<Instant>,
    writing: Option<JoinHandle<(io::Result<()>, Duration)>>,
    rest: Duration,
    failing: bool,
}

impl Keeper {
    /// A keeper of this file.
    #[must_use]
    pub fn new(file: Option<File>, metrics: Metrics) -> Self {
        Self { file: file.map(Arc::new), metrics, due: None, writing: None, rest: REST, failing: false }
    }

    /// What the process before kept, as `read` understands it. A file of no use is named in the log, and the same as none.
    pub fn load<T>(&self, ring: &Ring, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Option<T> {
        let file = self.file.as_ref()?;
        let loaded =
            file.load(ring).and_then(|bytes| bytes.map(|bytes| read(&bytes)).transpose().map_err(Unusable::Content));
        match loaded {
            Ok(None) => None,
            Ok(Some(kept)) => {
                self.metrics.data_file(file.label(), "loaded");
                Some(kept)
            }
            Err(error) => {
                self.metrics.data_file(file.label(), error.word());
                warn!(file = %file.path().display(), reason = error.word(), "not used: {error}");
                None
            }
        }
    }

    /// Something has changed.
    pub fn touch(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + self.rest);
        self.show();
    }

    /// What must not be found there any more is gone from disk when this returns; what remains is due at once.
    pub fn forget(&mut self) {
        let Some(file) = self.file.clone() else { return };
        if let Err(error) = file.forget() {
            self.failed(&file, &error);
        }
        self.due = Some(Instant::now());
        self.show();
    }

    /// Ends when the content is to be written, and no write is under way. Dropping it loses nothing.
    pub async fn due(&mut self) {
        self.settle().await;
        match self.due.filter(|_| self.file.is_some()) {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// Writes, in the background: `save` is given the file and how often it was forgotten by now.
    pub fn write(&mut self, save: impl FnOnce(&File, u64) -> io::Result<()> + Send + 'static) {
        let Some(file) = self.file.clone() else { return };
        let forgotten = file.forgotten();
        self.due = None;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            (save(&file, forgotten), begun.elapsed())
        }));
    }

    /// Waits until the write that is under way has ended. Whether there is something left to write.
    pub async fn settle(&mut self) -> bool {
        if let (Some(writing), Some(file)) = (&mut self.writing, self.file.clone()) {
            let outcome = writing.await;
            self.writing = None;
            self.note(&file, outcome);
            self.show();
        }
        self.due.is_some() && self.file.is_some()
    }

    fn note(&mut self, file: &File, outcome: Result<(io::Result<()>, Duration), tokio::task::JoinError>) {
        match outcome {
            Ok((Ok(()), took)) => {
                self.rest = (took * SHARE).clamp(REST, LONGEST_REST);
                self.metrics.data_file(file.label(), "written");
                if std::mem::take(&mut self.failing) {
                    info!(file = %file.path().display(), "is written again");
                }
            }
            Ok((Err(error), _)) => self.failed(file, &error),
            Err(error) => self.failed(file, &io::Error::other(error)),
        }
    }

    /// Whether the file is behind what is in force.
    fn show(&self) {
        if let Some(file) = &self.file {
            self.metrics.data_file_behind(file.label(), self.due.is_some() || self.writing.is_some());
        }
    }

    /// Warns once, counts always, and tries again.
    fn failed(&mut self, file: &File, error: &io::Error) {
        self.metrics.data_file(file.label(), "failed");
        if !std::mem::replace(&mut self.failing, true) {
            warn!(file = %file.path().display(), %error, "cannot be written: a restart would not find what is in force now");
        }
        self.due = Some(Instant::now() + RETRY);
    }
}

#[cfg(test)]
mod tests;
