//! The one way out for everything that users influence: it vets the very address that it connects to, after name resolution, and
//! connects to addresses of that same answer only. It never follows a redirect and never resolves twice for one connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{Class, classify};
use super::error::{Phase, UpstreamError};

/// A peer that acknowledges nothing for this long is gone (security: black holes and half-open connections).
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// An address that may not be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address may not be dialled")]
pub struct Forbidden;

/// Makes outbound connections under the address policy.
#[derive(Debug)]
pub struct Dialer {
    allow: Vec<IpNet>,
    standalone: bool,
    tls: Arc<ClientConfig>,
}

/// A connection just made, with the protocol that was agreed on.
pub(super) enum Dialed {
    Plain(TcpStream),
    Tls { stream: Box<TlsStream<TcpStream>>, http2: bool },
}

impl Dialer {
    /// Trusts the certificate authorities of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured). `allow` lists networks that are
    /// dialled whatever they are (`--allow-upstream`); a standalone process may dial loopback. Reads files: not for a request's path.
    #[must_use]
    pub fn new(allow: Vec<IpNet>, standalone: bool) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, unusable) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(added, unusable, unreadable = found.errors.len(), "certificate authorities of the system");
        Self::with_roots(allow, standalone, roots)
    }

    /// Like [`Dialer::new`], with certificate authorities of the caller's choice.
    #[must_use]
    pub fn with_roots(allow: Vec<IpNet>, standalone: bool, roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        #[expect(clippy::expect_used, reason = "the provider is a constant that supports both versions")]
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { allow, standalone, tls: Arc::new(tls) }
    }

    /// Whether an address may be dialled: for a `remote` server only global ones, for one in the cluster private ones too.
    ///
    /// # Errors
    /// [`Forbidden`] for every address that is neither allowed by its class nor by the fleet's list.
    pub fn check(&self, address: IpAddr, remote: bool) -> Result<(), Forbidden> {
        let permitted = match classify(address) {
            Class::Global => true,
            Class::Private => !remote,
            Class::Loopback => self.standalone,
            Class::Refused => false,
        };
        if permitted || self.allow.iter().any(|network| network.contains(&address)) { Ok(()) } else { Err(Forbidden) }
    }

    /// The addresses of one answer that may be dialled.
    ///
    /// # Errors
    /// `Forbidden` when none of them may be, `Connect` when there are none at all.
    pub(super) fn vet(&self, addresses: &[SocketAddr], remote: bool) -> Result<Vec<SocketAddr>, UpstreamError> {
        let vetted: Vec<_> =
            addresses.iter().copied().filter(|address| self.check(address.ip(), remote).is_ok()).collect();
        match (vetted.is_empty(), addresses.is_empty()) {
            (false, _) => Ok(vetted),
            (true, false) => Err(UpstreamError::Forbidden),
            (true, true) => Err(UpstreamError::Connect),
        }
    }

    /// Connects to the first of `addresses` that answers; each gets an equal share of the time left, so that one black hole does not
    /// use it up.
    pub(super) async fn connect(
        &self,
        addresses: &[SocketAddr],
        remote: bool,
        deadline: Instant,
    ) -> Result<TcpStream, UpstreamError> {
        let vetted = self.vet(addresses, remote)?;
        for (index, address) in vetted.iter().enumerate() {
            let now = Instant::now();
            let share =
                deadline.saturating_duration_since(now) / u32::try_from(vetted.len() - index).unwrap_or(u32::MAX);
            if let Ok(Ok(stream)) = timeout_at(now + share, connect_to(*address)).await {
                return Ok(stream);
            }
        }
        let timed_out = Instant::now() >= deadline;
        Err(if timed_out { UpstreamError::TimedOut { phase: Phase::Connect } } else { UpstreamError::Connect })
    }

    /// Speaks TLS as the client of `name`; the protocol is settled by ALPN.
    pub(super) async fn secure(&self, stream: TcpStream, name: ServerName<'static>) -> Result<Dialed, UpstreamError> {
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(|_| UpstreamError::Connect)?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Dialed::Tls { stream: Box::new(stream), http2 })
    }
}

async fn connect_to(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    let options = SockRef::from(&socket);
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(10)).with_retries(3);
    options.set_tcp_keepalive(&keepalive)?;
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    socket.connect(address).await
}

#[cfg(test)]
mod tests;
