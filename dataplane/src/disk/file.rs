//! One file: read with every doubt, written beside itself and renamed, so that a crash at any moment leaves the old one or the new one.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use portolan_config::frame::{Content, Frame, FrameError};
use portolan_config::limits::FILE_BYTES;

use crate::mcp::seal::{self, Binding, Context, Ring, Unsealed};

/// A file that belongs to one fleet. What it holds is sealed, so that nobody reads it, forges it, or passes another fleet's for it.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    content: Content,
    context: Context,
    label: &'static str,
    fleet: String,
    /// Counts how often it was forgotten. Held while a file is put in place or away, and for nothing else.
    forgotten: Mutex<u64>,
}

/// Why a file is not used. None of it goes away by trying again.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The disk does not give it.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is not whole, or not ours.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It was written for another fleet.
    #[error("it was written for fleet {0:?}")]
    Fleet(String),
    /// Its seal does not open.
    #[error("its seal does not open: {0}")]
    Sealed(#[from] Unsealed),
    /// What was sealed is not what should be there.
    #[error("{0}")]
    Content(String),
}

impl Unusable {
    /// One word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Frame(error) => error.word(),
            Self::Fleet(_) => "other_fleet",
            Self::Sealed(_) => "sealed",
            Self::Content(_) => "malformed",
        }
    }
}

impl File {
    /// The last known good configuration of a gateway that keeps its files in `folder`.
    #[must_use]
    pub fn last_good(folder: &Path, fleet: &str) -> Self {
        Self::new(folder.join("last-good.bin"), (Content::LastGood, Context::LastGood, "last_good"), fleet)
    }

    /// The key sets that issuers published.
    #[must_use]
    pub fn key_sets(folder: &Path, fleet: &str) -> Self {
        Self::new(folder.join("key-sets.bin"), (Content::KeySets, Context::KeySets, "key_sets"), fleet)
    }

    fn new(path: PathBuf, (content, context, label): (Content, Context, &'static str), fleet: &str) -> Self {
        Self { path, content, context, label, fleet: fleet.to_owned(), forgotten: Mutex::new(0) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The word for it in metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// What was kept; `None` where there is no file.
    ///
    /// # Errors
    /// The file is of no use: [`Unusable`] says why.
    pub fn load(&self, ring: &Ring) -> Result<Option<Vec<u8>>, Unusable> {
        let metadata = match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        // Anything else than a file could block for ever.
        if !metadata.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a file").into());
        }
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
        let frame = Frame::decode(&bytes)?;
        if frame.content != self.content {
            return Err(FrameError::Content.into());
        }
        if frame.fleet != self.fleet {
            return Err(Unusable::Fleet(frame.fleet.to_owned()));
        }
        Ok(Some(seal::open_bytes(ring, self.context, &self.binding(), frame.payload)?))
    }

    /// How often it was forgotten: taken together with what is to be saved.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        *self.forgotten.lock()
    }

    /// Replaces the file by one with this content, which reaches the disk before the old one goes. Does nothing if the file was forgotten since
    /// the content was taken.
    ///
    /// # Errors
    /// The disk's own; the file of before is as it was.
    pub fn save(&self, ring: &Ring, forgotten: u64, plain: &[u8]) -> io::Result<()> {
        let payload = seal::seal_bytes(ring, self.context, &self.binding(), plain);
        let bytes = Frame { content: self.content, fleet: &self.fleet, payload: &payload }.encode();
        replace(&self.path, &bytes, |partial| {
            let now = self.forgotten.lock();
            if *now == forgotten { fs::rename(partial, &self.path) } else { fs::remove_file(partial) }
        })
    }

    /// Takes the file away at once, and lets no write that has begun bring it back.
    ///
    /// # Errors
    /// The disk's own.
    pub fn forget(&self) -> io::Result<()> {
        let mut forgotten = self.forgotten.lock();
        *forgotten += 1;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    fn binding(&self) -> Binding<'_> {
        Binding { route: "", tenant: &self.fleet, principal: b"" }
    }
}

/// Writes a file beside `path` and lets `settle` put it in place, or take it away. All of it is on disk when this returns.
pub(super) fn replace(path: &Path, bytes: &[u8], settle: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let partial = path.with_added_extension("partial");
    let written = write(&partial, bytes).and_then(|()| settle(&partial));
    if written.is_err() {
        // Half a file on a full disk only keeps it full.
        let _ = fs::remove_file(&partial);
    }
    written?;
    // The rename itself is on disk only when the folder is.
    fs::File::open(folder)?.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
