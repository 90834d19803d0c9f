//! What an upstream is made from. Two servers whose configurations are equal may share connections; parsing here is validation.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use portolan_config::proto;
use rustls::pki_types::ServerName;

/// How to reach a server, apart from its endpoints: the identity of an [`Upstream`](super::Upstream) across snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamConfig {
    /// The authority that requests carry.
    pub authority: Authority,
    /// HTTP/2 with prior knowledge; with TLS the protocol is settled by ALPN whatever this says.
    pub http2: bool,
    /// A server outside the cluster; `None` for one whose endpoints are told.
    pub remote: Option<Remote>,
}

/// A server outside the cluster, dialled by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The name that the certificate must have; `None` is plain text.
    pub tls: Option<ServerName<'static>>,
}

impl UpstreamConfig {
    /// Reads a `Server`.
    ///
    /// # Errors
    /// A sentence that names the field which cannot be used.
    pub fn of(server: &proto::Server) -> Result<Self, String> {
        let remote = server.remote.as_ref().map(Remote::of).transpose()?;
        Ok(Self { authority: authority(&server.authority)?, http2: server.http2, remote })
    }

    /// Reads what is outside the cluster and no MCP server.
    ///
    /// # Errors
    /// A sentence that names the field which cannot be used.
    pub fn outside(remote: &proto::Remote, host: &str) -> Result<Self, String> {
        Ok(Self { authority: authority(host)?, http2: false, remote: Some(Remote::of(remote)?) })
    }
}

fn authority(text: &str) -> Result<Authority, String> {
    Authority::try_from(text).map_err(|_| "authority: not a host and port".to_owned())
}

impl Remote {
    fn of(remote: &proto::Remote) -> Result<Self, String> {
        let host = remote.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = u16::try_from(remote.port).ok().filter(|port| *port != 0).ok_or("remote.port: not a port")?;
        if host.is_empty() {
            return Err("remote.host: empty".to_owned());
        }
        let tls = remote.tls.then(|| {
            let name = if remote.tls_hostname.is_empty() { host.clone() } else { remote.tls_hostname.clone() };
            ServerName::try_from(name).map_err(|_| "remote.tls_hostname: no name that a certificate could have")
        });
        Ok(Self { tls: tls.transpose()?, host, port })
    }
}

/// One address of a server in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it takes new requests. One that does not still serves the sessions that are bound to it.
    pub ready: bool,
}

impl Endpoint {
    /// Reads an `Endpoint`; `None` if it has no usable address.
    #[must_use]
    pub fn of(endpoint: &proto::Endpoint) -> Option<Self> {
        let address: IpAddr = endpoint.address.parse().ok()?;
        let port = u16::try_from(endpoint.port).ok().filter(|port| *port != 0)?;
        Some(Self { address: SocketAddr::new(address, port), ready: endpoint.ready })
    }
}
