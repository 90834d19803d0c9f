//! The highest epoch that this gateway has followed, in a file of its own: written before a step of a new holder comes into force, so that no
//! restart, and no withdrawal that takes the configuration's file away, lets it follow an earlier holder again.
//!
//! It is no secret and is not sealed: keys come and go, and this must be read whatever became of them.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portolan_config::frame::{Content, Frame, FrameError};
use tracing::warn;

use super::file::{self, Unusable};
use crate::telemetry::Metrics;

/// How long a step of a new holder waits for the disk. A disk that hangs must not keep a fleet from being configured.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than a frame of one number can have.
const BYTES: u64 = 4096;
/// The word for it in metrics.
const LABEL: &str = "epoch";

/// The file, or none where there is no data folder.
#[derive(Debug)]
pub struct EpochFile {
    path: Option<PathBuf>,
    fleet: String,
    metrics: Metrics,
    /// What it says now.
    written: u64,
}

impl EpochFile {
    /// The file of a gateway that keeps its files in `folder`.
    #[must_use]
    pub fn new(folder: Option<&Path>, fleet: &str, metrics: Metrics) -> Self {
        let path = folder.map(|folder| folder.join("epoch.bin"));
        Self { path, fleet: fleet.to_owned(), metrics, written: 0 }
    }

    /// What the process before had reached; 0 where nobody knows. A file of no use is named in the log.
    pub fn load(&mut self) -> u64 {
        let Some(path) = self.path.as_deref() else { return 0 };
        match read(path, &self.fleet) {
            Ok(epoch) => self.written = epoch.unwrap_or(0),
            Err(error) => {
                self.metrics.data_file(LABEL, error.word());
                warn!(file = %path.display(), reason = error.word(), "not used: {error}");
            }
        }
        self.written
    }

    /// A step of this epoch is about to come into force. Returns when that is on disk, or when the disk has had its time.
    pub async fn reached(&mut self, epoch: u64) {
        let Some(path) = self.path.clone().filter(|_| epoch > self.written) else { return };
        self.written = epoch;
        let (place, fleet) = (path.clone(), self.fleet.clone());
        let writing = tokio::task::spawn_blocking(move || write(&place, &fleet, epoch));
        let error = match tokio::time::timeout(PATIENCE, writing).await {
            Ok(Ok(Ok(()))) => return self.metrics.data_file(LABEL, "written"),
            Ok(Ok(Err(error))) => error,
            Ok(Err(error)) => io::Error::other(error),
            Err(_) => ErrorKind::TimedOut.into(),
        };
        // The next step tries again.
        self.written = 0;
        self.metrics.data_file(LABEL, "failed");
        warn!(file = %path.display(), %error, "cannot be written: a restart could follow an earlier holder of the lease");
    }
}

fn read(path: &Path, fleet: &str) -> Result<Option<u64>, Unusable> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a file").into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(BYTES).read_to_end(&mut bytes)?;
    let frame = Frame::decode(&bytes)?;
    if frame.content != Content::Epoch {
        return Err(FrameError::Content.into());
    }
    if frame.fleet != fleet {
        return Err(Unusable::Fleet(frame.fleet.to_owned()));
    }
    let digits: [u8; 8] = frame.payload.try_into().map_err(|_| Unusable::Content("it is no epoch".to_owned()))?;
    Ok(Some(u64::from_be_bytes(digits)))
}

fn write(path: &Path, fleet: &str, epoch: u64) -> io::Result<()> {
    let frame = Frame { content: Content::Epoch, fleet, payload: &epoch.to_be_bytes() };
    file::replace(path, &frame.encode(), |partial| std::fs::rename(partial, path))
}

#[cfg(test)]
mod tests;
