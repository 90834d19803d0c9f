//! The listener's own certificate: a folder with `tls.crt` and `tls.key`, read again when they change.
//!
//! A pair that does not load leaves the one before in force: a botched rotation must not close the door.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How often the folder is looked at. Kubelet swaps mounted Secrets within a minute or so; this adds little.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate in force, shared by all workers: sessions resume on any of them.
#[derive(Clone, Debug)]
pub struct Certificate {
    folder: Arc<Path>,
    current: Arc<ArcSwap<Loaded>>,
}

#[derive(Debug)]
struct Loaded {
    files: Files,
    config: Arc<ServerConfig>,
}

/// Both files as they are on disk. Never shown: one of them is a private key.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Files")
    }
}

impl Certificate {
    /// Reads the folder.
    ///
    /// # Errors
    /// A file that is missing, or a pair that is none.
    pub fn load(folder: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let folder: Arc<Path> = Arc::from(folder.into());
        let loaded = Files::read(&folder).and_then(Loaded::new)?;
        Ok(Self { folder, current: Arc::new(ArcSwap::from_pointee(loaded)) })
    }

    /// What a handshake uses.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// Follows the folder for as long as it is polled.
    pub async fn follow(self) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.refresh() {
                Ok(true) => tracing::info!(folder = %self.folder.display(), "certificate read again"),
                Ok(false) => {}
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the certificate before stays in force"),
            }
        }
    }

    /// Reads the folder again; whether it had changed.
    ///
    /// # Errors
    /// As [`Certificate::load`]; what was in force stays so.
    pub fn refresh(&self) -> anyhow::Result<bool> {
        let files = Files::read(&self.folder)?;
        if files == self.current.load().files {
            return Ok(false);
        }
        self.current.store(Arc::new(Loaded::new(files)?));
        Ok(true)
    }
}

impl Files {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let read = |name| {
            let path = folder.join(name);
            std::fs::read(&path).with_context(|| path.display().to_string())
        };
        Ok(Self { certificate: read("tls.crt")?, key: read("tls.key")? })
    }
}

impl Loaded {
    fn new(files: Files) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_slice_iter(&files.certificate).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(&files.key).context("tls.key")?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.context("tls.crt")?, key)
            .context("tls.crt and tls.key")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files, config: Arc::new(config) })
    }
}

#[cfg(test)]
mod tests;
