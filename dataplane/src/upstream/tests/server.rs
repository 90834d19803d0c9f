//! A server whose every move the test decides: raw bytes in, raw bytes out, and a record of both.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What the server saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Accepted,
    /// Head and body as they came.
    Request(String),
    Closed,
}

/// What the server does about a request.
pub(crate) enum Reply {
    /// Sends this, or nothing, and reads on.
    Text(String),
    /// Sends this and closes.
    Last(String),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    events: UnboundedReceiver<Event>,
    task: JoinHandle<()>,
}

impl Server {
    /// `script` is given how many requests came before, over all connections, and the request.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = unbounded_channel();
        let script = Arc::new(script);
        let count = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = sender.send(Event::Accepted);
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&count), sender.clone()));
            }
        });
        Self { address, events, task }
    }

    /// Answers everything with 200 and this JSON.
    pub(crate) async fn json(body: &'static str) -> Self {
        Self::start(move |_, _| Reply::Text(json(body))).await
    }

    pub(crate) async fn next(&mut self) -> Event {
        timeout(Duration::from_secs(5), self.events.recv()).await.expect("the server saw nothing").expect("still open")
    }

    /// The next request, whatever else happens before it.
    pub(crate) async fn next_request(&mut self) -> String {
        loop {
            if let Event::Request(request) = self.next().await {
                return request;
            }
        }
    }

    pub(crate) async fn closed(&mut self) {
        while self.next().await != Event::Closed {}
    }

    /// All that was seen until now.
    pub(crate) fn seen(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole answer with this JSON.
pub(crate) fn json(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\n", body)
}

/// A whole answer; each of `headers` ends with CR LF.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(usize, &str) -> Reply>,
    count: Arc<AtomicUsize>,
    events: UnboundedSender<Event>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let reply = script(count.fetch_add(1, Ordering::SeqCst), &request);
        let _ = events.send(Event::Request(request));
        match reply {
            Reply::Text(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Reply::Last(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                break;
            }
        }
    }
    drop(stream);
    let _ = events.send(Event::Closed);
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.trim().parse::<usize>().unwrap());
            if buffer.len() >= end + 4 + length {
                let request: Vec<u8> = buffer.drain(..end + 4 + length).collect();
                return Some(String::from_utf8_lossy(&request).into_owned());
            }
        }
        match stream.read_buf(buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
