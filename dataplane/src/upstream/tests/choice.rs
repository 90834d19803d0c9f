//! Which endpoint answers, and what happens when one cannot be reached.

use std::sync::Arc;

use rustls::RootCertStore;
use tokio::net::TcpListener;

use super::server::Server;
use super::{DEADLINES, call, exchange, nowhere, ready, send, upstream};
use crate::upstream::{Dialer, Endpoint, Remote, Upstream, UpstreamConfig, UpstreamError};

#[tokio::test]
async fn a_session_reaches_its_own_endpoint_and_no_other() {
    let one = Server::json("1").await;
    let two = Server::json("2").await;
    let upstream = upstream(&[one.address, two.address]);
    let pinned = two.address.to_string();
    for _ in 0..8 {
        let answer = upstream.send(0, Some(&pinned), call(), &DEADLINES).await.unwrap();
        assert_eq!(*answer.endpoint, *pinned);
        assert_eq!(answer.body.bytes().await.unwrap(), "2");
    }
    upstream.set_endpoints(&[Endpoint { address: two.address, ready: false }]);
    assert!(upstream.send(0, Some(&pinned), call(), &DEADLINES).await.is_ok(), "it drains, but it is there");
    upstream.set_endpoints(&ready(&[one.address]));
    let gone = upstream.send(0, Some(&pinned), call(), &DEADLINES).await.unwrap_err();
    assert_eq!(gone, UpstreamError::NoEndpoint);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_costs_no_request() {
    let server = Server::json("{}").await;
    let upstream = upstream(&[nowhere().await, server.address]);
    for _ in 0..30 {
        exchange(&upstream).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_could_not_be_reached_a_moment_ago_is_not_tried_again_at_once() {
    let address = nowhere().await;
    let upstream = upstream(&[address]);
    assert_eq!(send(&upstream).await.unwrap_err(), UpstreamError::Connect);
    let listener = TcpListener::bind(address).await.unwrap();
    assert_eq!(send(&upstream).await.unwrap_err(), UpstreamError::Connect);
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(20), listener.accept()).await;
    assert!(nobody.is_err(), "nothing was dialled");
}

#[tokio::test]
async fn without_endpoints_there_is_nothing_to_ask() {
    assert_eq!(send(&upstream(&[])).await.unwrap_err(), UpstreamError::NoEndpoint);
}

#[tokio::test]
async fn in_a_cluster_loopback_is_refused_unless_the_fleet_lists_it() {
    let mut server = Server::json("{}").await;
    for (allow, permitted) in [(vec![], false), (vec!["127.0.0.0/8".parse().unwrap()], true)] {
        let dialer = Arc::new(Dialer::with_roots(allow, false, RootCertStore::empty()));
        let remote = Remote { host: "localhost".to_owned(), port: server.address.port(), tls: None };
        for remote in [None, Some(remote)] {
            let config = UpstreamConfig { authority: "mcp.test".parse().unwrap(), http2: false, remote };
            let upstream = Upstream::new(&config, 1, Arc::clone(&dialer));
            upstream.set_endpoints(&ready(&[server.address]));
            match exchange(&upstream).await {
                Ok(body) => assert!(permitted && body == "{}"),
                Err(error) => assert!(!permitted && error == UpstreamError::Forbidden, "{error:?}"),
            }
        }
        if !permitted {
            assert!(server.seen().is_empty(), "not a single SYN");
        }
    }
}

#[tokio::test]
async fn a_remote_is_dialled_by_name_whatever_endpoints_are_told() {
    let server = Server::json("{}").await;
    let remote = Remote { host: "127.0.0.1".to_owned(), port: server.address.port(), tls: None };
    let config = UpstreamConfig { authority: "mcp.test".parse().unwrap(), http2: false, remote: Some(remote) };
    let upstream = Upstream::new(&config, 1, super::standalone());
    upstream.set_endpoints(&[]);
    let answer = send(&upstream).await.unwrap();
    assert_eq!(*answer.endpoint, *server.address.to_string());
    assert!(upstream.send(0, Some(&answer.endpoint), call(), &DEADLINES).await.is_ok());
}
