//! One connection over a pipe whose other end the test holds.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::FutureExt;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::upstream::UpstreamError;
use crate::upstream::http1::{Head, Http1};

fn post(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/mcp?x").header("host", "mcp.test").body(body.into()).unwrap()
}

/// A connection with a request on its way, and the server's end.
fn asked(request: Request<Bytes>, room: usize) -> (Http1<DuplexStream>, Option<Request<Bytes>>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    let mut connection = Http1::new(ours);
    connection.load(&request);
    (connection, Some(request), theirs)
}

async fn head(
    connection: &mut Http1<DuplexStream>,
    request: &mut Option<Request<Bytes>>,
) -> Result<Head, UpstreamError> {
    poll_fn(|context| connection.poll_head(request, context)).await
}

/// A request lets others go first, and leaves at the second look.
fn begins(connection: &mut Http1<DuplexStream>, request: &mut Option<Request<Bytes>>) {
    let mut head = std::pin::pin!(head(connection, request));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(head.as_mut().poll(&mut context).is_pending());
    }
}

async fn body(connection: &mut Http1<DuplexStream>) -> Result<Vec<u8>, UpstreamError> {
    let mut whole = Vec::new();
    while let Some(chunk) = poll_fn(|context| connection.poll_chunk(context)).await {
        whole.extend_from_slice(&chunk?);
    }
    Ok(whole)
}

async fn receive(server: &mut DuplexStream, until: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(until.as_bytes()) {
        assert_ne!(server.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
    }
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn a_request_leaves_with_one_length_whatever_its_caller_says() {
    let mut request = post("{}");
    request.headers_mut().insert("content-length", "7".parse().unwrap());
    request.headers_mut().insert("transfer-encoding", "chunked".parse().unwrap());
    let (mut connection, mut request, mut server) = asked(request, 4096);
    begins(&mut connection, &mut request);
    assert!(request.is_none(), "it has left");
    let sent = receive(&mut server, "{}").await;
    assert_eq!(sent, "POST /mcp?x HTTP/1.1\r\nhost: mcp.test\r\ncontent-length: 2\r\n\r\n{}");
}

#[tokio::test]
async fn a_large_request_leaves_whole_through_a_narrow_pipe() {
    let large = "0123456789".repeat(10_000);
    let (mut connection, mut request, mut server) = asked(post(large.clone()), 100);
    let serving = tokio::spawn(async move {
        let seen = receive(&mut server, &large).await;
        server.write_all(b"HTTP/1.1 204 x\r\n\r\n").await.unwrap();
        seen.len() - large.len()
    });
    assert_eq!(head(&mut connection, &mut request).await.unwrap().status, 204);
    assert!(connection.goes_on());
    assert!(serving.await.unwrap() > 50, "a head came first");
}

#[tokio::test]
async fn a_request_of_which_nothing_was_sent_comes_back() {
    let (mut connection, mut request, server) = asked(post("{}"), 4096);
    drop(server);
    let outcome = head(&mut connection, &mut request).await;
    assert_eq!(outcome.unwrap_err(), UpstreamError::Closed { sent: false });
    assert_eq!(request.unwrap().uri(), "/mcp?x");
}

#[tokio::test]
async fn a_request_of_which_a_byte_was_sent_does_not() {
    let (mut connection, mut request, server) = asked(post("{}"), 1);
    begins(&mut connection, &mut request);
    drop(server);
    let outcome = head(&mut connection, &mut request).await;
    assert_eq!(outcome.unwrap_err(), UpstreamError::Closed { sent: true });
    assert!(request.is_none());
}

#[tokio::test]
async fn an_answer_before_the_whole_request_is_read_and_ends_its_connection() {
    let (mut connection, mut request, mut server) = asked(post("0123456789".repeat(100)), 100);
    server.write_all(b"HTTP/1.1 413 x\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    assert_eq!(head(&mut connection, &mut request).await.unwrap().status, 413);
    assert_eq!(body(&mut connection).await.unwrap(), b"{}");
    assert!(!connection.goes_on());
}

#[tokio::test]
async fn an_answer_counts_although_its_server_read_no_more_of_the_request() {
    let (mut connection, mut request, mut server) = asked(post("0123456789".repeat(100)), 100);
    begins(&mut connection, &mut request);
    server.write_all(b"HTTP/1.1 413 x\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    drop(server);
    assert_eq!(head(&mut connection, &mut request).await.unwrap().status, 413);
    assert_eq!(body(&mut connection).await.unwrap(), b"{}");
    assert!(!connection.goes_on());
}

#[tokio::test]
async fn the_rest_of_a_request_still_leaves_while_its_answer_comes() {
    let large = "0123456789".repeat(100);
    let (mut connection, mut request, mut server) = asked(post(large.clone()), 100);
    server.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n").await.unwrap();
    head(&mut connection, &mut request).await.unwrap();
    let serving = tokio::spawn(async move {
        receive(&mut server, &large).await;
        server.write_all(b"{}").await.unwrap();
        server
    });
    assert_eq!(body(&mut connection).await.unwrap(), b"{}");
    assert!(!connection.goes_on(), "its turn was not kept");
    serving.await.unwrap();
}

#[tokio::test]
async fn a_stream_arrives_as_it_is_sent() {
    let (mut connection, mut request, mut server) = asked(post("{}"), 4096);
    server.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: ").await.unwrap();
    head(&mut connection, &mut request).await.unwrap();
    let mut next = || poll_fn(|context| Poll::Ready(connection.poll_chunk(context))).now_or_never().unwrap();
    assert_eq!(next(), Poll::Ready(Some(Ok(Bytes::from_static(b"data: ")))));
    assert_eq!(next(), Poll::Pending);
    server.write_all(b"\r\n1\r\nx").await.unwrap();
    assert_eq!(next(), Poll::Ready(Some(Ok(Bytes::from_static(b"x")))));
    server.write_all(b"\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(next(), Poll::Ready(None));
}

#[tokio::test]
async fn bytes_after_an_answer_end_its_connection() {
    for (answer, goes_on) in [("HTTP/1.1 204 x\r\n\r\n", true), ("HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 OK\r\n", false)] {
        let (mut connection, mut request, mut server) = asked(post("{}"), 4096);
        server.write_all(answer.as_bytes()).await.unwrap();
        head(&mut connection, &mut request).await.unwrap();
        assert_eq!(connection.goes_on(), goes_on, "{answer}");
    }
}
