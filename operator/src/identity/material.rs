//! What one end of the stream proves itself with: from a Secret, or from a folder that is read again when it changes.
//!
//! Moves bytes; whether they are a certificate is seen by who uses them.

use std::{path::Path, time::Duration};

use portolan_config::Version;
use tokio::sync::watch;

/// The authorities to trust, in PEM.
pub const AUTHORITIES_FILE: &str = "ca.crt";
/// The certificate, in PEM.
pub const CERTIFICATE_FILE: &str = "tls.crt";
/// Its private key, in PEM.
pub const KEY_FILE: &str = "tls.key";

/// How often a folder is looked at. A look costs three small reads, and no notification is lost over the symbolic links of mounted Secrets.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate with its private key, and whom to trust; all in PEM. It has no `Debug`: one of them is a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// The authorities to trust.
    pub authorities: Vec<u8>,
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

impl Material {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file is not readable.
    pub async fn read(folder: &Path) -> anyhow::Result<Self> {
        let read = async |name| {
            let path = folder.join(name);
            tokio::fs::read(&path).await.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
        };
        Ok(Self {
            authorities: read(AUTHORITIES_FILE).await?,
            certificate: read(CERTIFICATE_FILE).await?,
            key: read(KEY_FILE).await?,
        })
    }

    /// A hash over the files.
    #[must_use]
    pub fn version(&self) -> String {
        let versions = [&self.authorities, &self.certificate, &self.key].map(|file| Version::of(file).to_string());
        Version::of(versions.concat().as_bytes()).to_string()
    }
}

/// Tells what the folder holds whenever that changes. A file that cannot be read leaves what was there before.
pub async fn follow(folder: &Path, current: watch::Sender<Option<Material>>) {
    let mut failing = false;
    loop {
        match Material::read(folder).await {
            Ok(material) => {
                failing = false;
                tell(&current, material);
            }
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "the certificate before stays in force");
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Puts material in force if it is another.
pub fn tell(current: &watch::Sender<Option<Material>>, material: Material) {
    current.send_if_modified(|before| {
        let changed = before.as_ref() != Some(&material);
        *before = Some(material);
        changed
    });
}
