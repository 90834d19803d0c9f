//! TLS to remotes: the name and the authority are checked, the protocol is settled by ALPN.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{exchange, send};
use crate::upstream::{Dialer, Remote, Upstream, UpstreamConfig, UpstreamError};

/// A server for `mcp.example` whose answers say which HTTP it spoke, and the authority that vouches for it.
async fn start(protocols: &[&str]) -> (SocketAddr, RootCertStore) {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["mcp.example".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                    let spoken = format!("{:?}", request.version());
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(spoken))))
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, roots)
}

fn upstream(address: SocketAddr, name: &'static str, roots: RootCertStore) -> Upstream {
    let tls = Some(ServerName::try_from(name).unwrap());
    let remote = Remote { host: "127.0.0.1".to_owned(), port: address.port(), tls };
    let config = UpstreamConfig { authority: "mcp.example".parse().unwrap(), http2: false, remote: Some(remote) };
    Upstream::new(&config, 1, Arc::new(Dialer::with_roots(vec![], true, roots)))
}

#[tokio::test]
async fn the_protocol_is_the_one_that_the_server_prefers() {
    for (protocols, spoken) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")] {
        let (address, roots) = start(protocols).await;
        let upstream = upstream(address, "mcp.example", roots);
        for _ in 0..2 {
            assert_eq!(exchange(&upstream).await.unwrap(), spoken);
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_from_nobody_we_trust_is_no_connection() {
    let (address, roots) = start(&["http/1.1"]).await;
    let other_name = upstream(address, "other.example", roots);
    assert_eq!(send(&other_name).await.unwrap_err(), UpstreamError::Connect);
    let nobody = upstream(address, "mcp.example", RootCertStore::empty());
    assert_eq!(send(&nobody).await.unwrap_err(), UpstreamError::Connect);
}
