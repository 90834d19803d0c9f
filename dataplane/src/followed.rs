//! Mounted files that are read again when they change: keys, certificates, whom to trust.
//!
//! What does not load leaves what was in force: a botched rotation must not close a door. File contents are kept as a hash only.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// How often the files are looked at. Kubelet swaps a symbolic link above mounted files, which notifications of the files themselves miss; a look
/// costs a few small reads.
const LOOK: Duration = Duration::from_secs(1);

/// A value made of files. Clones are the same one.
pub struct Followed<T>(Arc<Inner<T>>);

struct Inner<T> {
    paths: Vec<PathBuf>,
    make: fn(&[Vec<u8>]) -> anyhow::Result<T>,
    /// What was looked at last, whether or not it loaded.
    seen: Mutex<Option<[u8; 32]>>,
    current: ArcSwap<T>,
    changes: watch::Sender<()>,
}

impl<T> Followed<T> {
    /// A value that no file changes.
    pub fn fixed(value: T) -> Self {
        Self::new(Vec::new(), |_| anyhow::bail!("there is no file"), None, value)
    }

    /// Makes a value of these files.
    ///
    /// # Errors
    /// A file that cannot be read, or files of which no value can be made.
    pub fn load(paths: Vec<PathBuf>, make: fn(&[Vec<u8>]) -> anyhow::Result<T>) -> anyhow::Result<Self> {
        let files = read(&paths)?;
        let value = make(&files)?;
        Ok(Self::new(paths, make, Some(hash(&files)), value))
    }

    fn new(paths: Vec<PathBuf>, make: fn(&[Vec<u8>]) -> anyhow::Result<T>, seen: Option<[u8; 32]>, value: T) -> Self {
        let (seen, current) = (Mutex::new(seen), ArcSwap::from_pointee(value));
        Self(Arc::new(Inner { paths, make, seen, current, changes: watch::Sender::new(()) }))
    }

    /// The value in force.
    pub fn current(&self) -> Guard<Arc<T>> {
        self.0.current.load()
    }

    /// Wakes when another value is in force.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// Follows the files for as long as it is polled.
    pub async fn follow(self) {
        let mut failing = None;
        while !self.0.paths.is_empty() {
            tokio::time::sleep(LOOK).await;
            let result = self.refresh().map_err(|error| format!("{error:#}"));
            if let Ok(true) = result {
                tracing::info!(files = ?self.0.paths, "read again");
            }
            // Said once, not with every look.
            let error = result.err();
            if error.is_some() && error != failing {
                tracing::warn!(files = ?self.0.paths, error, "what was read before stays in force");
            }
            failing = error;
        }
    }

    /// Reads the files again; whether another value is in force.
    ///
    /// # Errors
    /// As [`Followed::load`], once for the same files; what was in force stays so.
    pub fn refresh(&self) -> anyhow::Result<bool> {
        let files = read(&self.0.paths)?;
        let hash = Some(hash(&files));
        if std::mem::replace(&mut *self.0.seen.lock(), hash) == hash {
            return Ok(false);
        }
        self.0.current.store(Arc::new((self.0.make)(&files)?));
        self.0.changes.send_replace(());
        Ok(true)
    }
}

impl<T> Clone for Followed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Followed").field(&self.0.paths).finish()
    }
}

fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Vec<u8>>> {
    paths.iter().map(|path| std::fs::read(path).with_context(|| path.display().to_string())).collect()
}

/// A hash over the files and their lengths.
fn hash(files: &[Vec<u8>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.len().to_be_bytes());
        hash.update(file);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
