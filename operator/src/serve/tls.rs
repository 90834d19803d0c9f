//! Who may open a stream: a peer with a certificate of this fleet. TLS 1.3, both ways.
//!
//! Each connection is judged by the files in force when it comes, and lives on when they change.

use std::{sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::TLS13,
};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use webpki::EndEntityCert;

use crate::identity::{FLEET_URI, Material};

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Lets in the gateways of one fleet.
#[derive(Clone)]
pub struct Door {
    fleet: Arc<str>,
    material: watch::Receiver<Option<Material>>,
    config: Option<Arc<ServerConfig>>,
}

/// Why a peer was not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no certificate yet, or none that can be used.
    #[error("this operator has no certificate yet")]
    NoCertificate,
    /// The peer's certificate is missing or no good.
    #[error("handshake: {0}")]
    Handshake(#[from] std::io::Error),
    /// It takes too long.
    #[error("handshake: no answer")]
    TimedOut,
    /// The certificate is not one of this fleet's gateways.
    #[error("its certificate is not of fleet {0:?}")]
    OtherFleet(Arc<str>),
}

impl Door {
    /// A door that takes each certificate that comes, as soon as it comes.
    #[must_use]
    pub fn new(fleet: &str, material: watch::Receiver<Option<Material>>) -> Self {
        Self { fleet: fleet.into(), material, config: None }
    }

    /// The files in force. Those that cannot be used leave the ones before.
    pub fn refresh(&mut self) {
        if self.config.is_some() && !self.material.has_changed().unwrap_or_default() {
            return;
        }
        let Some(material) = self.material.borrow_and_update().clone() else { return };
        match config(&material) {
            Ok(config) => self.config = Some(Arc::new(config)),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the certificate before stays in force"),
        }
    }

    /// Shakes hands with a peer, and looks whose gateway it is.
    ///
    /// # Errors
    /// The peer is not a gateway of this fleet, or does not prove it.
    pub async fn admit(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, Refused> {
        let config = self.config.clone().ok_or(Refused::NoCertificate)?;
        let shaking = TlsAcceptor::from(config).accept(socket);
        let stream = tokio::time::timeout(HANDSHAKE, shaking).await.map_err(|_| Refused::TimedOut)??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        if certificate.is_some_and(|certificate| is_of(certificate, &self.fleet)) {
            Ok(stream)
        } else {
            Err(Refused::OtherFleet(Arc::clone(&self.fleet)))
        }
    }
}

fn is_of(certificate: &CertificateDer<'_>, fleet: &str) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return false };
    certificate.valid_uri_names().any(|uri| uri.strip_prefix(FLEET_URI) == Some(fleet))
}

/// What a handshake uses. No resumption: a resumed session would not look at the certificate again.
fn config(material: &Material) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&material.authorities) {
        authorities.add(certificate?)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider)).build()?;
    let chain = CertificateDer::pem_slice_iter(&material.certificate).collect::<Result<Vec<_>, _>>()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&material.key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

#[cfg(test)]
mod tests;
