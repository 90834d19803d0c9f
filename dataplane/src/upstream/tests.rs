//! Real sockets on loopback; what the server sees is part of every test.

mod bounds;
mod choice;
mod http2;
mod reuse;
pub(crate) mod server;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rustls::RootCertStore;

use super::{Answer, Deadlines, Dialer, Endpoint, Upstream, UpstreamConfig, UpstreamError};

/// Generous: a test that needs them to pass is slow, not wrong.
pub(crate) const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(5),
    total: Duration::from_secs(10),
    answer_bytes: 1024 * 1024,
};

pub(crate) fn standalone() -> Arc<Dialer> {
    Arc::new(Dialer::with_roots(vec![], true, RootCertStore::empty()))
}

pub(crate) fn upstream(addresses: &[SocketAddr]) -> Upstream {
    let config = UpstreamConfig { authority: "mcp.test".parse().unwrap(), http2: false, remote: None };
    let upstream = Upstream::new(&config, 1, standalone());
    upstream.set_endpoints(&ready(addresses));
    upstream
}

fn ready(addresses: &[SocketAddr]) -> Vec<Endpoint> {
    addresses.iter().map(|address| Endpoint { address: *address, ready: true }).collect()
}

fn call() -> Request<Bytes> {
    Request::post("/mcp").header("host", "mcp.test").body(Bytes::from_static(b"{}")).unwrap()
}

async fn send(upstream: &Upstream) -> Result<Answer, UpstreamError> {
    upstream.send(0, None, call(), &DEADLINES).await
}

/// Sends and reads to the end.
async fn exchange(upstream: &Upstream) -> Result<Bytes, UpstreamError> {
    send(upstream).await?.body.bytes().await
}

/// An address where nobody listens.
async fn nowhere() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
