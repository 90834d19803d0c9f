//! An API server that gives prepared answers, one for each request, and then none.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kube::Client;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tonic::codegen::Service;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What it does with one request.
pub(super) enum Answer {
    /// It cannot be reached.
    Away,
    /// It refuses.
    Status(u16),
    /// It lists these, as of a version.
    List(u64, Vec<Value>),
    /// It sends these events and closes.
    Watch(Vec<Value>),
    /// It sends these events, and the connection breaks.
    Broken(Vec<Value>),
}

/// The answers that are left, and what was asked.
#[derive(Clone)]
pub(super) struct Script(Arc<Mutex<(VecDeque<Answer>, Vec<String>)>>);

impl Script {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), Vec::new()))))
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.clone(), "default")
    }

    /// The requests so far: `list`, or `watch` and the version that it goes on from.
    pub(super) fn asked(&self) -> Vec<String> {
        self.0.lock().1.clone()
    }
}

impl<B> Service<Request<B>> for Script {
    type Response = Response<Body>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (answers, asked) = &mut *self.0.lock();
        let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let parameters: std::collections::BTreeMap<_, _> = query.into_owned().collect();
        asked.push(match parameters.get("watch") {
            Some(_) => format!("watch {}", parameters["resourceVersion"]),
            None => "list".to_owned(),
        });
        ready(match answers.pop_front() {
            None => Ok(silent()),
            Some(Answer::Away) => Err(broken()),
            Some(Answer::Status(code)) => Ok(Response::builder().status(code).body(lines(vec![status(code)])).unwrap()),
            Some(Answer::List(version, items)) => Ok(Response::new(lines(vec![json!({
                "apiVersion": "portolan.dev/v1alpha1", "kind": "McpServerList",
                "metadata": {"resourceVersion": version.to_string()}, "items": items,
            })]))),
            Some(Answer::Watch(events)) => Ok(Response::new(lines(events))),
            Some(Answer::Broken(events)) => {
                let sent = stream::iter(events).map(|event| Ok(Frame::data(line(&event))));
                Ok(Response::new(StreamBody::new(sent.chain(stream::iter([Err(broken())]))).boxed_unsync()))
            }
        })
    }
}

/// A watch event.
pub(super) fn changed(what: &str, version: u64, mut object: Value) -> Value {
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    json!({"type": what, "object": object})
}

/// What a watch is told whose version is compacted.
pub(super) fn too_old() -> Value {
    json!({"type": "ERROR", "object": status(410)})
}

fn status(code: u16) -> Value {
    let reason = if code == 410 { "Expired" } else { "ServiceUnavailable" };
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "message": "refused", "code": code})
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}

fn lines(values: Vec<Value>) -> Body {
    let text: String = values.iter().map(|value| format!("{value}\n")).collect();
    http_body_util::Full::from(text).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// An answer that never comes to an end.
fn silent() -> Response<Body> {
    Response::new(StreamBody::new(stream::pending()).boxed_unsync())
}

fn broken() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the connection broke")
}
