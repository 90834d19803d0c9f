//! The listener's own certificate: a folder with `tls.crt` and `tls.key`, read again when they change.
//!
//! A pair that does not load leaves the one before in force: a botched rotation must not close the door.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::followed::Followed;

/// The certificate in force, shared by all workers: sessions resume on any of them.
#[derive(Clone, Debug)]
pub struct Certificate(Followed<Arc<ServerConfig>>);

impl Certificate {
    /// Reads the folder.
    ///
    /// # Errors
    /// A file that is missing, or a pair that is none.
    pub fn load(folder: impl AsRef<Path>) -> anyhow::Result<Self> {
        let paths = ["tls.crt", "tls.key"].map(|name| folder.as_ref().join(name));
        Followed::load(paths.to_vec(), config).map(Self)
    }

    /// What a handshake uses.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.current())
    }

    /// Follows the folder for as long as it is polled.
    pub async fn follow(self) {
        self.0.follow().await;
    }
}

fn config(files: &[Vec<u8>]) -> anyhow::Result<Arc<ServerConfig>> {
    let [certificate, key] = files else { anyhow::bail!("two files are needed") };
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key).context("tls.key")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.context("tls.crt")?, key)
        .context("tls.crt and tls.key")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
