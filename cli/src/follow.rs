//! Tells when files change, some moments after the last of a burst of changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Editors write a file in several steps; this is longer than between two of them.
const SILENCE: Duration = Duration::from_millis(100);
/// A burst that never ends is told of all the same.
const BURST: Duration = Duration::from_secs(1);

/// Watches the files at some paths for as long as it lives.
pub(crate) struct Follower {
    changes: mpsc::Receiver<()>,
    /// A burst has begun and nobody was told of its end.
    burst: bool,
    _watcher: RecommendedWatcher,
}

impl Follower {
    /// Watches folders, and the folders of files: editors replace a file by another of its name.
    pub(crate) fn new(paths: &[PathBuf]) -> notify::Result<Self> {
        // One change that waits is enough: whoever reads, reads everything.
        let (sender, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let read = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
            if !read {
                let _ = sender.try_send(());
            }
        })?;
        for path in paths {
            watcher.watch(folder(path), RecursiveMode::NonRecursive)?;
        }
        Ok(Self { changes, burst: false, _watcher: watcher })
    }

    /// Waits for the end of a burst of changes. Who stops waiting in the middle of one is told of it the next time: an edit is never missed.
    pub(crate) async fn changed(&mut self) {
        if !self.burst && self.changes.recv().await.is_none() {
            // The watcher is ours and so is its sender: this cannot be.
            return std::future::pending().await;
        }
        self.burst = true;
        let quiet = async { while tokio::time::timeout(SILENCE, self.changes.recv()).await.is_ok() {} };
        let _ = tokio::time::timeout(BURST, quiet).await;
        self.burst = false;
    }
}

fn folder(path: &Path) -> &Path {
    if path.is_dir() {
        return path;
    }
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
