//! A small disk of a gateway's own: a tmpfs in this process's mount namespace, which can be filled up and made read-only.
//!
//! Where mounts are not permitted, the same is done to one file by putting a folder in the place where it is written.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};

use super::schedule::Ailment;
use crate::eventually::found_within;

/// More than the files of a small fleet, and soon filled.
const SIZE: &str = "size=2m,mode=700";
/// A remount is refused while a file is open for writing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a gateway keeps its files.
pub struct Disk {
    folder: PathBuf,
    mounted: bool,
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Who still writes there is ending; lazily, so that it does not matter.
            let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
        }
    }
}

impl Disk {
    /// A disk at this folder: one of its own if `mount`, otherwise the one that is there.
    ///
    /// # Errors
    /// It cannot be mounted.
    pub fn at(folder: PathBuf, mount: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        if mount {
            let status =
                Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "portolan-chaos"]).arg(&folder).status()?;
            ensure!(status.success(), "mount {}: {status}", folder.display());
        }
        Ok(Self { folder, mounted: mount })
    }

    /// It has this from now on; `None` heals it.
    ///
    /// # Errors
    /// It cannot be done.
    pub async fn has(&self, ailment: Option<Ailment>) -> anyhow::Result<()> {
        if !self.mounted {
            return self.blocks(ailment.is_some()).await;
        }
        match ailment {
            Some(Ailment::Full) => fill(&self.filler()),
            Some(Ailment::ReadOnly) => self.remount("remount,ro").await,
            None => {
                self.remount("remount,rw").await?;
                gone(fs::remove_file(self.filler()))
            }
        }
    }

    /// No file can be written where a folder is, not even by root.
    async fn blocks(&self, yes: bool) -> anyhow::Result<()> {
        let place = self.folder.join("last-good.bin.partial");
        if !yes {
            return gone(fs::remove_dir(place));
        }
        let made = found_within(PATIENCE, async || match fs::create_dir(&place) {
            // A write is under way.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
            outcome => Some(outcome),
        });
        Ok(made.await.with_context(|| format!("{}: a file is always there", place.display()))??)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    async fn remount(&self, options: &str) -> anyhow::Result<()> {
        let mounted = found_within(PATIENCE, async || {
            let mut mount = Command::new("mount");
            mount.args(["-o", options]).arg(&self.folder).stderr(Stdio::null());
            mount.status().map(|status| status.success().then_some(())).transpose()
        });
        Ok(mounted.await.with_context(|| format!("mount -o {options} {}: it stays busy", self.folder.display()))??)
    }
}

fn gone(outcome: std::io::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn fill(path: &Path) -> anyhow::Result<()> {
    let mut file = fs::File::create(path)?;
    let block = [0; 4096];
    loop {
        match file.write_all(&block) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
