//! HTTP/2 with prior knowledge, against hyper's own server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::{DEADLINES, call, exchange, ready, send, standalone};
use crate::upstream::{Upstream, UpstreamConfig};

/// One chunk and then nothing, until it is dropped: which it tells.
struct Endless(Option<Bytes>, UnboundedSender<()>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    dropped: UnboundedReceiver<()>,
    /// Each answer waits for one.
    permits: Arc<Semaphore>,
}

async fn start(max_streams: u32) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, dropped) = unbounded_channel();
    let permits = Arc::new(Semaphore::new(0));
    let connections = Arc::new(AtomicUsize::new(0));
    let (counter, gate) = (Arc::clone(&connections), Arc::clone(&permits));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let (sender, gate) = (sender.clone(), Arc::clone(&gate));
            let service = service_fn(move |request: Request<Incoming>| {
                let (sender, gate) = (sender.clone(), Arc::clone(&gate));
                async move {
                    assert_eq!(request.uri().authority().unwrap(), "mcp.test");
                    assert!(request.headers().get("host").is_none());
                    gate.acquire().await.unwrap().forget();
                    Ok::<_, Infallible>(Response::new(Endless(Some(Bytes::from_static(b"data")), sender)))
                }
            });
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.max_concurrent_streams(max_streams);
            tokio::spawn(async move { builder.serve_connection(TokioIo::new(stream), service).await });
        }
    });
    Server { address, connections, dropped, permits }
}

fn upstream(address: SocketAddr) -> Upstream {
    let config = UpstreamConfig { authority: "mcp.test".parse().unwrap(), http2: true, remote: None };
    let upstream = Upstream::new(&config, 1, standalone());
    upstream.set_endpoints(&ready(&[address]));
    upstream
}

#[tokio::test]
async fn requests_at_once_share_one_connection() {
    let server = start(100).await;
    server.permits.add_permits(20);
    let upstream = upstream(server.address);
    let answers = futures::future::join_all((0..20).map(|_| send(&upstream))).await;
    let mut bodies: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().body).collect();
    for body in &mut bodies {
        assert_eq!(body.chunk().await.unwrap().unwrap(), "data");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(upstream.in_flight(), 20);
}

#[tokio::test]
async fn dropping_a_body_resets_its_stream_and_spares_the_others() {
    let mut server = start(100).await;
    server.permits.add_permits(3);
    let upstream = upstream(server.address);
    let mut first = send(&upstream).await.unwrap();
    let second = send(&upstream).await.unwrap();
    drop(second);
    timeout(Duration::from_secs(5), server.dropped.recv()).await.unwrap().unwrap();
    assert_eq!(first.body.chunk().await.unwrap().unwrap(), "data");
    assert!(send(&upstream).await.is_ok());
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_is_full_is_given_a_sibling() {
    let server = start(2).await;
    server.permits.add_permits(6);
    let upstream = upstream(server.address);
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(timeout(Duration::from_secs(5), send(&upstream)).await.expect("a stream is free").unwrap());
    }
    let connections = server.connections.load(Ordering::SeqCst);
    assert!((2..=4).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_server_that_speaks_only_http1_fails_without_hanging() {
    let mut server = super::server::Server::json("{}").await;
    let upstream = upstream(server.address);
    let outcome = timeout(Duration::from_secs(4), upstream.send(0, None, call(), &DEADLINES)).await.expect("in time");
    assert!(outcome.is_err());
    let _ = server.seen();
    assert!(exchange(&upstream).await.is_err());
}
