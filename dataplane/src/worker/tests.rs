use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use super::*;
use crate::drain::{Drain, Times};
use crate::limits::Limits;
use crate::listener::admission::Admission;
use crate::listener::head::Fault;
use crate::listener::{self, Connection, bind};
use crate::telemetry::Metrics;

#[derive(Clone)]
struct Number;

impl Service for Number {
    type Body = Full<Bytes>;

    async fn call(&self, connection: &Connection, _: Request<Incoming>) -> Response<Full<Bytes>> {
        Response::new(Full::from(format!("worker {}", connection.worker)))
    }

    fn refuse(&self, _: &Connection, _: Fault) -> Response<Full<Bytes>> {
        Response::default()
    }
}

fn listener(workers: listener::Workers, drain: &Drain) -> Listener<Number> {
    let limits = Limits::default();
    Listener {
        service: Number,
        workers,
        admission: Admission::new(limits.connections, limits.connections_per_source),
        metrics: Metrics::new(&limits),
        limits,
        tls: None,
        drain: drain.signal(),
    }
}

fn ask(address: SocketAddr) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

/// Asks twice, each time on a connection of its own, and drains.
async fn ask_twice(runtimes: usize, threads: usize) -> [String; 2] {
    let drain = Drain::new();
    let sockets = bind::bind("127.0.0.1:0".parse().unwrap(), runtimes).unwrap();
    let address = sockets[0].local_addr().unwrap();
    let dealt = |runtime| listener::Workers::new(runtime * threads, threads);
    let mut workers = Workers::start(sockets, threads, |runtime| listener(dealt(runtime), &drain)).unwrap();
    let answers = tokio::task::spawn_blocking(move || [ask(address), ask(address)]).await.unwrap();
    drain.run(Times::ALONE, pending()).await;
    tokio::time::timeout(Duration::from_secs(20), workers.ended()).await.unwrap().unwrap();
    answers
}

#[tokio::test]
async fn workers_share_a_port_and_end_with_the_drain() {
    assert!(ask_twice(2, 1).await.iter().all(|answer| ["worker 0", "worker 1"].contains(&answer.as_str())));
}

#[tokio::test]
async fn threads_of_one_runtime_have_their_connections_dealt_out_and_end_with_the_drain() {
    assert_eq!(ask_twice(1, 2).await, ["worker 0", "worker 1"]);
}

#[tokio::test]
async fn a_worker_that_panics_is_noticed() {
    let (sender, ended) = mpsc::unbounded_channel();
    let last = LastWords { sender, words: None };
    let thread = thread::spawn(move || {
        let _last = last;
        panic!("as asked");
    });
    let mut workers = Workers { threads: vec![thread], ended, left: 1 };
    assert_eq!(workers.ended().await.unwrap_err().to_string(), "a worker panicked");
}
