use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::StatusCode;
use http_body::{Body, Frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::drain::{Drain, Times};

/// Longest wait of a test for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with the path it was asked for; `/panic` panics, `/hang` never answers, `/stream` never ends.
#[derive(Clone)]
struct Echo;

struct Text {
    text: Option<Bytes>,
    endless: bool,
}

impl Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.text.take() {
            Some(text) => Poll::Ready(Some(Ok(Frame::data(text)))),
            None if self.endless => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

impl Service for Echo {
    type Body = Text;

    async fn call(&self, connection: &Connection, request: Request<Incoming>) -> Response<Text> {
        let path = request.uri().path().to_owned();
        match path.as_str() {
            "/panic" => panic!("as asked"),
            "/hang" => std::future::pending().await,
            _ => {}
        }
        let text = format!("{} {}", connection.scheme(), path);
        Response::new(Text { text: Some(text.into()), endless: path == "/stream" })
    }

    fn refuse(&self, _: &Connection, fault: Fault) -> Response<Text> {
        let mut response = Response::new(Text { text: Some(fault.word.into()), endless: false });
        *response.status_mut() = fault.status;
        response
    }
}

struct Running {
    address: SocketAddr,
    drain: Drain,
    metrics: Metrics,
}

fn start(limits: Limits) -> Running {
    let (drain, metrics) = (Drain::new(), Metrics::new(&limits));
    let socket = bind::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
    let address = socket.local_addr().unwrap();
    let listener = Listener {
        service: Echo,
        workers: Workers::new(0, 1),
        admission: Admission::new(limits.connections, limits.connections_per_source),
        limits,
        tls: None,
        drain: drain.signal(),
        metrics: metrics.clone(),
    };
    tokio::spawn(async move { listener.serve(socket).await.unwrap() });
    Running { address, drain, metrics }
}

/// Sends bytes on a connection of its own and reads until the other side closes it.
async fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest_of(&mut stream).await
}

async fn rest_of(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is a way of closing too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("nothing comes").expect("closed");
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[tokio::test]
async fn a_connection_is_kept_until_its_client_leaves() {
    let running = start(Limits::default());
    let two = "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = say(running.address, two.as_bytes()).await;
    assert!(answer.contains("http /a") && answer.contains("http /b"), "{answer}");
}

#[tokio::test]
async fn a_faulty_head_is_refused_and_nothing_after_it_is_read() {
    let running = start(Limits::default());
    let smuggled = "GET /b HTTP/1.1\r\nhost: x\r\n\r\n";
    for head in [
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nconnection: authorization\r\n\r\n",
        "GET http://y/a HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answer = say(running.address, format!("{head}{smuggled}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
        assert_eq!(count(&answer, "HTTP/1.1"), 1, "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused_in_either_order_and_nothing_after_it_is_read() {
    let running = start(Limits::default());
    let sized = "POST /sized HTTP/1.1\r\nhost: x\r\nContent-Length: 4\r\n\r\nbody";
    let chunked = "transfer-encoding: chunked\r\n";
    for framing in [format!("content-length: 4\r\n{chunked}"), format!("{chunked}CONTENT-LENGTH: 4\r\n")] {
        let doubtful =
            format!("POST /a HTTP/1.1\r\nhost: x\r\n{framing}\r\n0\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = say(running.address, doubtful.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("framing"), "{framing}: {answer}");
        assert_eq!(count(&answer, "HTTP/1.1"), 1, "{framing}: {answer}");
        // Also right behind a request whose length is in order.
        let answer = say(running.address, format!("{sized}{doubtful}").as_bytes()).await;
        assert!(answer.contains("/sized") && answer.contains("framing"), "{framing}: {answer}");
        assert_eq!(count(&answer, "HTTP/1.1"), 2, "{framing}: {answer}");
    }
}

#[tokio::test]
async fn chunks_and_lengths_may_take_turns_on_a_connection() {
    let running = start(Limits::default());
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for framing in ["content-length: 0\r\n\r\n", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n"].repeat(2) {
        stream.write_all(format!("POST /a HTTP/1.1\r\nhost: x\r\n{framing}").as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, "http /a\r\n0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{framing}: {answer}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let running = start(Limits::default());
    for bytes in [
        "GET /a\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3, 3\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nna me: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost : x\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n",
        "POST /a HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let answer = say(running.address, bytes.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{bytes:?}: {answer}");
        assert_eq!(count(&answer, "200 OK"), 0, "{bytes:?}: {answer}");
    }
}

#[tokio::test]
async fn a_head_over_its_bounds_is_refused() {
    let running = start(Limits::default());
    let long = format!("GET /a HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "y".repeat(70_000));
    let many = format!("GET /a HTTP/1.1\r\nhost: x\r\n{}\r\n", "n: y\r\n".repeat(100));
    for bytes in [long, many] {
        let answer = say(running.address, bytes.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let running = start(Limits::default());
    let answer = say(running.address, b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let answer = say(running.address, b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("http /a"), "{answer}");
    assert!(running.metrics.render().contains("portolan_panics_total 1\n"));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut() {
    let quick = Limits { first_byte: Duration::from_millis(50), head: Duration::from_millis(50), ..Limits::default() };
    let running = start(quick);
    assert_eq!(say(running.address, b"").await, "");
    assert_eq!(say(running.address, b"P").await, "");
    assert_eq!(say(running.address, b"GET /a HTTP/1.1\r\nhost: ").await, "");
    // Our own SETTINGS come before the client's, and then the end.
    say(running.address, b"PRI * HTTP/2.0\r\n\r\n").await;
    let page = running.metrics.render();
    assert!(page.contains("portolan_connections_cut_total{reason=\"first_byte\"} 2\n"), "{page}");
    assert!(page.contains("portolan_connections_cut_total{reason=\"head\"} 2\n"), "{page}");
}

#[tokio::test]
async fn a_source_has_only_so_many_connections() {
    let running = start(Limits { connections_per_source: 1, ..Limits::default() });
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut first, "http /a\r\n0\r\n\r\n").await;
    assert_eq!(say(running.address, b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
}

#[tokio::test]
async fn http2_is_spoken_by_prior_knowledge() {
    let running = start(Limits::default());
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    .unwrap();
    let driver = tokio::spawn(connection);
    let uri = format!("http://{}/two", running.address);
    let ask = |uri: &str| Request::builder().uri(uri).body(http_body_util::Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(ask(&uri)).await.unwrap().status(), StatusCode::OK);
    let mut disagreeing = ask(&uri);
    disagreeing.headers_mut().insert("host", "elsewhere".parse().unwrap());
    assert_eq!(sender.send_request(disagreeing).await.unwrap().status(), StatusCode::BAD_REQUEST);
    let stop = running.drain.run(Times::ALONE, std::future::pending());
    timeout(PATIENCE, stop).await.unwrap();
    timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_asks_clients_to_go_and_finishes_what_they_began() {
    let running = start(Limits::default());
    let (address, signal) = (running.address, running.drain.signal());
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut kept, "http /a\r\n0\r\n\r\n").await;
    let mut streaming = TcpStream::connect(address).await.unwrap();
    streaming.write_all(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut streaming, "http /stream\r\n").await;
    let times = Times { min: Duration::from_millis(300), max: Duration::from_millis(600) };
    let drain = tokio::spawn(async move { running.drain.run(times, std::future::pending()).await });
    signal.reached(Phase::Draining).await;
    kept.write_all(b"GET /b HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let last = rest_of(&mut kept).await;
    assert!(last.contains("connection: close") && last.contains("http /b"), "{last}");
    let new = say(address, b"GET /c HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(new.contains("connection: close") && new.contains("http /c"), "{new}");
    timeout(PATIENCE, drain).await.unwrap().unwrap();
    assert_eq!(rest_of(&mut streaming).await, "", "what is left at the maximum is cut");
    assert_eq!(signal.connections(), 0);
}

#[tokio::test]
async fn a_second_signal_cuts_what_hangs() {
    let running = start(Limits::default());
    let mut hanging = TcpStream::connect(running.address).await.unwrap();
    hanging.write_all(b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let signal = running.drain.signal();
    let once_accepted = async {
        while signal.connections() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, once_accepted).await.unwrap();
    timeout(PATIENCE, running.drain.run(Times::FLEET, std::future::ready(()))).await.unwrap();
    assert_eq!(rest_of(&mut hanging).await, "");
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_arrives() {
    let running = start(Limits::default());
    let mut bytes = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n".to_vec();
    bytes.resize(900_000, b'x');
    let answer = say(running.address, &bytes).await;
    assert!(answer.contains("http /a"), "{answer}");
}
