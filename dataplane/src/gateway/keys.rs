//! Where the keys of sessions and cursors come from: the fleet's file, a file of our own in the data folder, or this process alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::followed::Followed;
use crate::mcp::seal::Ring;
use crate::options::Settings;

/// The file in the data folder. It guards nothing at rest there; it only lets sessions outlive a restart.
const FILE: &str = "keys.json";

/// The ring that this gateway seals and opens with.
pub fn ring(settings: &Settings) -> anyhow::Result<Followed<Ring>> {
    match (&settings.fleet_key, &settings.data_dir) {
        (Some(file), _) => read(file),
        (None, Some(folder)) => own(folder),
        (None, None) => Ok(Followed::fixed(Ring::generate())),
    }
}

fn read(file: &Path) -> anyhow::Result<Followed<Ring>> {
    Followed::load(vec![file.to_owned()], |files| Ok(Ring::parse(&files.concat())?)).context("the key ring")
}

fn own(folder: &Path) -> anyhow::Result<Followed<Ring>> {
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let path = folder.join(FILE);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            file.write_all(Ring::new_key_file().as_bytes()).with_context(|| format!("{}", path.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
    }
    read(&path)
}
