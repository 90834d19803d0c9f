//! How this gateway proves to operators which fleet it is of, and which operators it trusts: a folder with `ca.crt`, `tls.crt` and `tls.key`.
//!
//! TLS 1.3 only. A connection lives on when the files change; the next one uses the new ones.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use portolan_config::Version;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;

use crate::followed::Followed;

/// What the files say.
pub struct Tls {
    config: Arc<ClientConfig>,
    /// Versions of the authorities that are trusted.
    pub authorities: Vec<String>,
}

impl Tls {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file is missing, or they are no certificate, key and authorities.
    pub fn load(folder: &Path) -> anyhow::Result<Followed<Self>> {
        let paths = ["ca.crt", "tls.crt", "tls.key"].map(|name| folder.join(name));
        Followed::load(paths.to_vec(), Self::new)
    }

    fn new(files: &[Vec<u8>]) -> anyhow::Result<Self> {
        let [authorities, certificate, key] = files else { anyhow::bail!("three files are needed") };
        let authorities =
            CertificateDer::pem_slice_iter(authorities).collect::<Result<Vec<_>, _>>().context("ca.crt")?;
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            roots.add(authority.clone()).context("ca.crt")?;
        }
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>().context("tls.crt")?;
        let key = PrivateKeyDer::from_pem_slice(key).context("tls.key")?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .context("tls.crt and tls.key")?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::disabled();
        let authorities = authorities.iter().map(|authority| Version::of(authority).to_string()).collect();
        Ok(Self { config: Arc::new(config), authorities })
    }

    /// What connects to an operator at this address, whatever else its name stands for.
    pub fn connector(&self, address: SocketAddr) -> Connector {
        Connector { config: Arc::clone(&self.config), address }
    }
}

/// Connects to an operator and looks at its certificate.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(connect(uri, self.address, TlsConnector::from(Arc::clone(&self.config))))
    }
}

async fn connect(uri: Uri, address: SocketAddr, connector: TlsConnector) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
    // An IPv6 address stands in brackets in a URL and nowhere else.
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let name = ServerName::try_from(host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    connector.connect(name, socket).await.map(TokioIo::new)
}

#[cfg(test)]
mod tests;
