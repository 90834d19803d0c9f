//! Nothing takes longer, or is larger, than the caller allows.

use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::server::{Event, Reply, Server, answer, json};
use super::{DEADLINES, call, exchange, send, upstream};
use crate::upstream::{Deadlines, Phase, UpstreamError};

const SHORT: Duration = Duration::from_millis(50);

async fn exchange_within(address: std::net::SocketAddr, deadlines: Deadlines) -> Result<(), UpstreamError> {
    let upstream = upstream(&[address]);
    let outcome = upstream.send(0, None, call(), &deadlines).await;
    match outcome {
        Ok(answer) => answer.body.bytes().await.map(drop),
        Err(error) => Err(error),
    }
}

#[tokio::test]
async fn connecting_has_a_deadline() {
    // A listener that accepts nothing and whose queue is full answers no further SYN.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, SHORT) {
        queued.push(stream);
        assert!(queued.len() < 64, "the queue never fills");
    }
    let error = exchange_within(address, Deadlines { connect: SHORT, ..DEADLINES }).await.unwrap_err();
    assert_eq!(error, UpstreamError::TimedOut { phase: Phase::Connect });
    assert!(error.safe_to_retry());
}

#[tokio::test]
async fn the_head_of_an_answer_has_a_deadline_and_the_server_sees_the_end() {
    let mut server = Server::start(|_, _| Reply::Text(String::new())).await;
    let outcome = exchange_within(server.address, Deadlines { first_byte: SHORT, ..DEADLINES }).await;
    let error = outcome.unwrap_err();
    assert_eq!(error, UpstreamError::TimedOut { phase: Phase::FirstByte });
    assert!(!error.safe_to_retry());
    server.closed().await;
}

#[tokio::test]
async fn a_body_that_drips_has_a_deadline() {
    let mut server =
        Server::start(|_, _| Reply::Text("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_owned())).await;
    let outcome = exchange_within(server.address, Deadlines { total: SHORT, ..DEADLINES }).await;
    assert_eq!(outcome, Err(UpstreamError::TimedOut { phase: Phase::Total }));
    server.closed().await;
}

#[tokio::test]
async fn deadlines_beyond_what_a_clock_can_tell_are_no_deadlines() {
    let server = Server::json("{}").await;
    let endless = Deadlines { first_byte: Duration::MAX, total: Duration::MAX, ..DEADLINES };
    exchange_within(server.address, endless).await.unwrap();
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let server = Server::start(|_, _| Reply::Text(json("0123456789"))).await;
    let small = Deadlines { answer_bytes: 9, ..DEADLINES };
    let upstream = upstream(&[server.address]);
    assert_eq!(upstream.send(0, None, call(), &small).await.unwrap_err(), UpstreamError::TooLarge);
    assert_eq!(exchange_within(server.address, Deadlines { answer_bytes: 10, ..DEADLINES }).await, Ok(()));
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_cut_and_its_connection_closed() {
    let mut server = Server::start(|_, _| {
        let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
        Reply::Text(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(8)))
    })
    .await;
    let outcome = exchange_within(server.address, Deadlines { answer_bytes: 5000, ..DEADLINES }).await;
    assert_eq!(outcome, Err(UpstreamError::TooLarge));
    server.closed().await;
}

#[tokio::test]
async fn an_answer_in_an_encoding_that_nobody_asked_for_is_refused() {
    for encoding in ["gzip", "br", "gzip, gzip", "identity, gzip"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let server = Server::start(move |_, _| Reply::Text(answer("200 OK", &headers, "{}"))).await;
        let error = send(&upstream(&[server.address])).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Protocol(_)), "{encoding}: {error:?}");
    }
    let server = Server::start(|_, _| Reply::Text(answer("200 OK", "content-encoding: Identity\r\n", "{}"))).await;
    assert_eq!(exchange(&upstream(&[server.address])).await.unwrap(), "{}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Server::json("{}").await;
    let location = format!("location: http://{}/mcp\r\n", target.address);
    let server = Server::start(move |_, _| Reply::Text(answer("307 Temporary Redirect", &location, ""))).await;
    let answer = send(&upstream(&[server.address])).await.unwrap();
    assert_eq!(answer.status, 307);
    let mut target = target;
    assert_eq!(target.seen(), Vec::<Event>::new());
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    for garbage in ["SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1 banana\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"]
    {
        let server = Server::start(|_, _| Reply::Last(garbage.to_owned())).await;
        let error = send(&upstream(&[server.address])).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Protocol(_)), "{garbage}: {error:?}");
    }
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let server =
        Server::start(|_, _| Reply::Text(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(1024 * 1024)))).await;
    let error = send(&upstream(&[server.address])).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn more_requests_than_the_bound_are_refused_at_once_and_the_end_of_a_body_makes_room() {
    let server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    upstream.set_max_concurrent(1);
    let held = send(&upstream).await.unwrap();
    // The answer is complete, so it holds nothing any more once its body is read.
    let body = held.body;
    assert_eq!(send(&upstream).await.unwrap_err(), UpstreamError::Overloaded);
    assert_eq!(upstream.in_flight(), 1);
    body.bytes().await.unwrap();
    exchange(&upstream).await.unwrap();
}

#[tokio::test]
async fn no_call_is_refused_for_an_examination_and_no_examination_for_a_call() {
    let server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    upstream.set_max_concurrent(1);
    let examine = || upstream.send(upstream.background(), None, call(), &DEADLINES);
    let _examination = examine().await.unwrap();
    let _call = send(&upstream).await.unwrap();
    examine().await.unwrap();
}
