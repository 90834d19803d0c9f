//! One client connection, from its first byte to its end: which protocol it speaks, how long it may live, and how it leaves.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::answer::Answering;
use super::pace::{Advice, Pace, Paced};
use super::{Connection, Listener, Service};
use crate::drain::{Phase, Signal};
use crate::limits::Limits;

/// How HTTP/2 with prior knowledge begins; no HTTP/1.1 method does (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI";
/// HTTP/2 peers are asked whether they live, since an idle one may be behind a dead path.
const PING: Duration = Duration::from_secs(20);

/// Why a connection ended before a request could be read.
#[derive(Debug)]
enum Lost {
    /// Its bytes did not come in time; the word is for metrics.
    Slow(&'static str),
    /// The peer went away, or spoke something else.
    Gone,
}

/// Serves a connection to its end.
pub(super) async fn serve<S: Service>(
    listener: Arc<Listener<S>>,
    stream: TcpStream,
    (peer, worker): (SocketAddr, usize),
) {
    let _open = listener.metrics.connection();
    let outcome = match &listener.tls {
        Some(tls) => {
            let acceptor = TlsAcceptor::from(tls.current());
            match timeout(listener.limits.tls_handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    run(&listener, stream, http2, Connection { peer, worker, secure: true }).await;
                    Ok(())
                }
                Ok(Err(_)) => Err(Lost::Gone),
                Err(_) => Err(Lost::Slow("tls_handshake")),
            }
        }
        None => match timeout(listener.limits.first_byte, speaks_http2(&stream)).await {
            Ok(Ok(http2)) => {
                run(&listener, stream, http2, Connection { peer, worker, secure: false }).await;
                Ok(())
            }
            Ok(Err(_)) => Err(Lost::Gone),
            Err(_) => Err(Lost::Slow("first_byte")),
        },
    };
    if let Err(Lost::Slow(word)) = outcome {
        listener.metrics.cut(word);
    }
}

/// Looks at the first bytes and leaves them where they are. A client that sends them one by one is looked at again, within the deadline of the
/// caller.
async fn speaks_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut first).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if count == PREFACE.len() || !PREFACE.starts_with(&first[..count]) {
            return Ok(first[..count] == *PREFACE);
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn run<S: Service, T>(listener: &Arc<Listener<S>>, stream: T, http2: bool, connection: Connection)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pace = Arc::new(Pace::new(http2));
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    let answering = Arc::new(Answering {
        service: listener.service.clone(),
        connection,
        pace: Arc::clone(&pace),
        drain: listener.drain.clone(),
        metrics: listener.metrics.clone(),
        head_fields: listener.limits.head_fields,
    });
    let service = service_fn(move |request| Arc::clone(&answering).answer(request));
    let life = Life { pace, limits: &listener.limits, drain: &listener.drain };
    let cut = if http2 {
        let connection = http2_builder(&listener.limits).serve_connection(io, service);
        life.of(connection, true, http2::Connection::graceful_shutdown).await
    } else {
        let connection = http1_builder(&listener.limits).serve_connection(io, service);
        life.of(connection, false, http1::Connection::graceful_shutdown).await
    };
    if let Some(word) = cut {
        listener.metrics.cut(word);
    }
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Not `pipeline_flush`: an answer that ends its connection is lost with it when more bytes have already come.
    builder
        .timer(TokioTimer::new())
        // Ours, in `pace`, tells an idle connection from a slow head.
        .header_read_timeout(None)
        .half_close(false)
        // Not `max_headers`, which costs hyper 2,000 instructions a request: `head` counts the fields, and hyper's own bound is 100.
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(64 << 10));
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .initial_stream_window_size(limits.http2_stream_bytes)
        .initial_connection_window_size(limits.http2_connection_bytes)
        .max_send_buf_size(limits.http2_stream_bytes as usize)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.http2_resets)
        .max_local_error_reset_streams(limits.http2_resets)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// What bounds the life of a connection from outside.
struct Life<'a> {
    pace: Arc<Pace>,
    limits: &'a Limits,
    drain: &'a Signal,
}

/// What happens to a connection from outside.
enum Event {
    /// It is time to look at its pace.
    Look,
    /// Its answers should send its client elsewhere.
    Retire,
    /// It closes when it is idle.
    Close,
    /// It is cut.
    Stop,
}

/// Each is polled only when it has been woken: a connection is polled for every read and write, its events hardly ever.
type Events<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send + 'a>>>;

impl Life<'_> {
    /// Drives a connection until it ends; says why, if we cut it.
    async fn of<C>(&self, connection: C, http2: bool, leave: fn(Pin<&mut C>)) -> Option<&'static str>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut connection = pin!(connection);
        let mut events = self.events(http2);
        loop {
            tokio::select! {
                biased;
                Some(event) = events.next() => match event {
                    Event::Look => match self.pace.advice(self.limits) {
                        Advice::Wait(time) => events.push(look_after(time)),
                        Advice::Cut(word) => return Some(word),
                        Advice::Close => {
                            leave(connection.as_mut());
                            events.push(look_after(self.limits.idle));
                        }
                    },
                    Event::Retire => self.retire(connection.as_mut(), http2, leave),
                    Event::Close => leave(connection.as_mut()),
                    Event::Stop => return Some("drain"),
                },
                result = &mut connection => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection");
                    }
                    return None;
                }
            }
        }
    }

    fn events(&self, http2: bool) -> Events<'_> {
        let age = spread(self.limits.connection_age);
        let events = Events::new();
        events.push(look_after(self.limits.head));
        events.push(Box::pin(sleep(age).map(|()| Event::Retire)));
        events.push(Box::pin(self.leaves(http2).map(|()| Event::Retire)));
        events.push(Box::pin(self.drain.reached(Phase::Closing).map(|()| Event::Close)));
        events.push(Box::pin(self.drain.reached(Phase::Stopping).map(|()| Event::Stop)));
        events
    }

    /// HTTP/2 has GOAWAY. An idle HTTP/1.1 connection that closes may cross a request on its way, so its next answer says that it was the last.
    fn retire<C>(&self, connection: Pin<&mut C>, http2: bool, leave: fn(Pin<&mut C>)) {
        if http2 {
            leave(connection);
        } else {
            self.pace.retire();
        }
    }

    /// When a connection is asked to leave in a drain: HTTP/2 ones not all at once, since all that leave come back elsewhere.
    async fn leaves(&self, http2: bool) {
        self.drain.reached(Phase::Draining).await;
        if http2 {
            sleep(Duration::from_millis(fastrand::u64(..1000))).await;
        }
    }
}

fn look_after(time: Duration) -> Pin<Box<dyn Future<Output = Event> + Send>> {
    Box::pin(sleep(time).map(|()| Event::Look))
}

/// +-20 %.
fn spread(age: Duration) -> Duration {
    age.mul_f64(0.8 + 0.4 * fastrand::f64())
}
