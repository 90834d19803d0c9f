//! Prints the CRDs, or writes them to a folder. The chart's files are made by this and by nothing else.

use std::{fs, io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::Parser;
use portolan_crds::manifest::manifests;

/// The CRDs of portolan.dev/v1alpha1 as YAML.
#[derive(Debug, Parser)]
struct Options {
    /// Writes one file for each kind into this folder instead of printing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let manifests = manifests()?;
    let Some(folder) = options.out else {
        let mut out = std::io::stdout().lock();
        for manifest in manifests {
            writeln!(out, "---\n{}", manifest.yaml.trim_end())?;
        }
        return Ok(());
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for manifest in manifests {
        let path = folder.join(manifest.file);
        fs::write(&path, manifest.yaml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
