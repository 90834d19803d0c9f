//! Connections: kept, found dead, given up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::server::{Event, Reply, Server, answer, json};
use super::{DEADLINES, call, exchange, send, upstream};
use crate::upstream::{Upstream, UpstreamError};

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_is_read() {
    let mut server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    for _ in 0..3 {
        assert_eq!(exchange(&upstream).await.unwrap(), "{}");
    }
    let accepted = server.seen().into_iter().filter(|event| *event == Event::Accepted).count();
    assert_eq!(accepted, 1);
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn a_background_that_rests_for_long_keeps_no_connection_and_workers_keep_theirs() {
    let mut server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    exchange(&upstream).await.unwrap();
    for pause in [15, 15, 3600, 3600] {
        let answer = upstream.send(upstream.background(), None, call(), &DEADLINES).await.unwrap();
        answer.body.bytes().await.unwrap();
        upstream.rest(Duration::from_secs(pause));
    }
    exchange(&upstream).await.unwrap();
    let accepted = server.seen().into_iter().filter(|event| *event == Event::Accepted).count();
    assert_eq!(accepted, 3, "one of the worker, one for the first three looks, one for the last");
}

#[tokio::test]
async fn answers_without_a_body_and_in_chunks_give_their_connection_back() {
    let mut server = Server::start(|count, _| {
        Reply::Text(match count {
            0 => answer("202 Accepted", "", ""),
            1 => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned(),
            _ => json("{}"),
        })
    })
    .await;
    let upstream = upstream(&[server.address]);
    assert!(send(&upstream).await.unwrap().body.bytes().await.unwrap().is_empty());
    assert_eq!(exchange(&upstream).await.unwrap(), "{}");
    assert_eq!(exchange(&upstream).await.unwrap(), "{}");
    let accepted = server.seen().into_iter().filter(|event| *event == Event::Accepted).count();
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn the_request_arrives_as_the_caller_made_it() {
    let mut server = Server::json("{}").await;
    exchange(&upstream(&[server.address])).await.unwrap();
    assert_eq!(server.next_request().await, "POST /mcp HTTP/1.1\r\nhost: mcp.test\r\ncontent-length: 2\r\n\r\n{}");
}

/// The reactor has seen the end, the connection's task has not: the request is queued and comes back unsent.
#[tokio::test]
async fn a_connection_that_dies_as_it_is_taken_costs_a_retry_and_no_failure() {
    let (upstream, close) = one_exchange().await;
    let server = close();
    // The root task runs before those that the reactor has woken.
    tokio::task::yield_now().await;
    assert_eq!(exchange(&upstream).await.unwrap(), "2");
    server.join().unwrap();
}

/// Not even the reactor has seen the end, as nothing yields between the server's close and the next request.
#[tokio::test]
async fn a_connection_that_died_while_it_was_cold_costs_a_retry_and_no_failure() {
    let (upstream, close) = one_exchange().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    let server = close();
    assert_eq!(exchange(&upstream).await.unwrap(), "2");
    server.join().unwrap();
}

/// Nobody waits for anything on an idle connection, so somebody must come by.
#[tokio::test]
async fn an_idle_connection_that_its_server_closes_is_closed_here_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(&[listener.local_addr().unwrap()]);
    let (seen, end) = oneshot::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_one(&mut stream);
        stream.write_all(json("1").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        seen.send(stream.read(&mut [0; 1]).unwrap()).unwrap();
    });
    assert_eq!(exchange(&upstream).await.unwrap(), "1");
    // From now on the clock goes to the next timer whenever nobody has anything to do.
    tokio::time::pause();
    assert_eq!(end.await.unwrap(), 0, "closed");
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_no_answer_to_the_next_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(&[listener.local_addr().unwrap()]);
    let ((rests, idle), (strayed, stray)) = (channel(), channel());
    let server = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_one(&mut first);
        // At once, or when the connection is idle: neither is the second request's.
        first.write_all((json("1") + &json("stray")).as_bytes()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        read_one(&mut second);
        second.write_all(json("2").as_bytes()).unwrap();
        idle.recv().unwrap();
        second.write_all(json("stray").as_bytes()).unwrap();
        strayed.send(()).unwrap();
        let (mut third, _) = listener.accept().unwrap();
        read_one(&mut third);
        third.write_all(json("3").as_bytes()).unwrap();
    });
    assert_eq!(exchange(&upstream).await.unwrap(), "1");
    assert_eq!(exchange(&upstream).await.unwrap(), "2");
    rests.send(()).unwrap();
    stray.recv().unwrap();
    // Cold, so that the reactor has a look.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    assert_eq!(exchange(&upstream).await.unwrap(), "3");
    server.join().unwrap();
}

/// An upstream with one idle connection; the function closes its other end and has the next connection answered with `2`.
async fn one_exchange() -> (Upstream, impl FnOnce() -> JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(&[listener.local_addr().unwrap()]);
    let serve = |listener: TcpListener, body: &'static str| {
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            read_one(&mut stream);
            stream.write_all(json(body).as_bytes()).unwrap();
            (listener, stream)
        })
    };
    let server = serve(listener, "1");
    assert_eq!(exchange(&upstream).await.unwrap(), "1");
    let (listener, stream) = server.join().unwrap();
    let close = move || {
        drop(stream);
        let server = serve(listener, "2");
        std::thread::spawn(move || drop(server.join().unwrap()))
    };
    (upstream, close)
}

fn read_one(stream: &mut std::net::TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"{}") {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the request ended early");
        seen.extend_from_slice(&buffer[..read]);
    }
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    for reused in [false, true] {
        let mut server =
            Server::start(
                move |count, _| {
                    if reused && count == 0 { Reply::Text(json("{}")) } else { Reply::Last(String::new()) }
                },
            )
            .await;
        let upstream = upstream(&[server.address]);
        if reused {
            exchange(&upstream).await.unwrap();
        }
        let error = send(&upstream).await.unwrap_err();
        assert_eq!(error, UpstreamError::Closed { sent: true });
        assert!(!error.safe_to_retry());
        server.closed().await;
        let requests = server.seen().into_iter().filter(|event| matches!(event, Event::Request(_))).count();
        assert_eq!(requests, 0, "nothing more after the close");
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error_and_not_a_short_answer() {
    let server = Server::start(|_, _| Reply::Last("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned())).await;
    assert_eq!(exchange(&upstream(&[server.address])).await, Err(UpstreamError::Closed { sent: true }));
}

#[tokio::test]
async fn dropping_a_call_that_waits_closes_its_connection() {
    let mut server = Server::start(|_, _| Reply::Text(String::new())).await;
    let upstream = upstream(&[server.address]);
    {
        let mut sending = Box::pin(send(&upstream));
        tokio::select! {
            _ = &mut sending => panic!("nobody answered"),
            _ = server.next_request() => {}
        }
    }
    server.closed().await;
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn dropping_a_body_before_its_end_closes_its_connection() {
    let mut server = Server::start(|_, _| {
        Reply::Text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n".to_owned())
    })
    .await;
    let upstream = upstream(&[server.address]);
    let mut answer = send(&upstream).await.unwrap();
    assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "data: ");
    assert_eq!(upstream.in_flight(), 1);
    drop(answer);
    server.closed().await;
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn idle_connections_of_a_removed_endpoint_are_closed_and_its_requests_end_as_they_will() {
    let mut server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    exchange(&upstream).await.unwrap();
    let open = send(&upstream).await.unwrap();
    upstream.set_endpoints(&[]);
    assert_eq!(open.body.bytes().await.unwrap(), "{}");
    server.closed().await;
    assert_eq!(send(&upstream).await.unwrap_err(), UpstreamError::NoEndpoint);
}

#[tokio::test]
async fn workers_share_no_connection() {
    let mut server = Server::json("{}").await;
    let upstream = upstream(&[server.address]);
    for worker in [0, upstream.background()] {
        upstream.send(worker, None, call(), &DEADLINES).await.unwrap().body.bytes().await.unwrap();
    }
    assert_eq!(server.seen().into_iter().filter(|event| *event == Event::Accepted).count(), 2);
}

#[tokio::test]
async fn the_future_of_a_request_stays_small() {
    let upstream = upstream(&[]);
    let size = size_of_val(&upstream.send(0, None, call(), &DEADLINES));
    assert!(size <= 1920, "{size} bytes are moved and held for every request");
}
