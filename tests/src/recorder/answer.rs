//! What a recorder answers. In texts `$ID` stands for the request's id and `$TOKEN` for its progress token, both as they were sent, and `$TEXT`
//! for the argument `text` of a call.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use super::{Seen, State};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A plain result, good in either era.
pub const RESULT: &str =
    r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}"#;

const MISMATCH: &str = r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-32020,"message":"words-of-the-server"}}"#;

/// An answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One JSON message.
    Json(String),
    /// A status, a content type and other headers, and a body.
    Http(u16, Vec<(&'static str, &'static str)>, String),
    /// Events, each one message, and then the end.
    Events(Vec<String>),
    /// Events, each after a random time up to this, and then the end.
    Trickle(Duration, Vec<String>),
    /// Events, and then a stream that stays open until the other side goes.
    Open(Vec<String>),
    /// The bytes of an event stream.
    Raw(String),
    /// None, ever.
    Hang,
    /// A head that promises more than comes.
    Cut,
    /// None: the connection is closed.
    Reset,
    /// A body that never ends.
    Flood,
    /// The answer within, once the gate is open.
    Gated(Box<Answer>),
    /// The answer within, after a random time up to this.
    Late(Duration, Box<Answer>),
    /// A result whose text has this many bytes.
    Huge(usize),
    /// [`RESULT`] for a request with this header, and for others what 2026-07-28 has for headers that do not mirror the body.
    Mirrored(&'static str, &'static str),
}

/// What a text's placeholders stand for.
pub(super) struct Blanks {
    pub id: String,
    pub token: String,
    pub text: String,
}

impl Blanks {
    fn fill(&self, text: &str) -> String {
        text.replace("$ID", &self.id).replace("$TOKEN", &self.token).replace("$TEXT", &self.text)
    }
}

/// Counts an exchange that is dropped before its end.
struct Unfinished(Option<Arc<State>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(state) = self.0.take() {
            *state.gone.lock() += 1;
        }
    }
}

impl Answer {
    pub(super) async fn give(self, state: &Arc<State>, blanks: &Blanks, seen: &Seen) -> io::Result<Response<Body>> {
        let mut unfinished = Unfinished(Some(Arc::clone(state)));
        let mut answer = self;
        let answer = loop {
            answer = match answer {
                Self::Gated(inner) => {
                    // The sender lives in the state.
                    let _ = state.gate.subscribe().wait_for(|open| *open).await;
                    *inner
                }
                Self::Late(longest, inner) => {
                    tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
                    *inner
                }
                answer => break answer,
            };
        };
        let response = match answer {
            Self::Json(text) => full(200, "application/json", blanks.fill(&text)),
            Self::Http(status, headers, text) => {
                let mut response = full(status, "application/json", blanks.fill(&text));
                for (name, value) in headers {
                    response.headers_mut().insert(name, http::HeaderValue::from_static(value));
                }
                response
            }
            Self::Events(events) => full(200, "text/event-stream", framed(&events, blanks)),
            Self::Raw(text) => full(200, "text/event-stream", blanks.fill(&text)),
            Self::Trickle(longest, events) => trickle(longest, &events, blanks),
            Self::Open(events) => open(framed(&events, blanks), Arc::clone(state)),
            Self::Hang | Self::Gated(_) | Self::Late(..) => std::future::pending().await,
            Self::Cut => cut(),
            Self::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
            Self::Flood => flood(),
            Self::Mirrored(name, value) if seen.header(name) == value => {
                full(200, "application/json", blanks.fill(RESULT))
            }
            Self::Mirrored(..) => full(400, "application/json", blanks.fill(MISMATCH)),
            Self::Huge(size) => full(200, "application/json", blanks.fill(RESULT).replace("done", &"x".repeat(size))),
        };
        unfinished.0 = None;
        Ok(response)
    }
}

fn framed(events: &[String], blanks: &Blanks) -> String {
    events.iter().map(|event| format!("data: {}\n\n", blanks.fill(event))).collect()
}

pub(super) fn full(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
    response
}

/// Events, and then a stream that ends only when the other side goes, which is counted.
fn open(events: String, state: Arc<State>) -> Response<Body> {
    let first = stream::once(async move { Ok(Frame::data(Bytes::from(events))) });
    let unfinished = Unfinished(Some(state));
    let rest = stream::once(async move {
        let _held = unfinished;
        std::future::pending().await
    });
    let mut response = Response::new(StreamBody::new(first.chain(rest)).boxed_unsync());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}

fn trickle(longest: Duration, events: &[String], blanks: &Blanks) -> Response<Body> {
    let events: Vec<String> = events.iter().map(|event| framed(std::slice::from_ref(event), blanks)).collect();
    let events = stream::iter(events).then(move |event| async move {
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
        Ok(Frame::data(Bytes::from(event)))
    });
    let mut response = Response::new(StreamBody::new(events).boxed_unsync());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}

fn flood() -> Response<Body> {
    let flood = stream::repeat(Bytes::from_static(&[b' '; 64 << 10])).map(|chunk| Ok(Frame::data(chunk)));
    let mut response = Response::new(StreamBody::new(flood).boxed_unsync());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn cut() -> Response<Body> {
    let first = stream::once(async { Ok(Frame::data(Bytes::from_static(br#"{"jsonrpc":"2.0","id":"#))) });
    let broken = stream::once(async { Err(io::Error::from(io::ErrorKind::ConnectionReset)) });
    let mut response = Response::new(StreamBody::new(first.chain(broken)).boxed_unsync());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}
