//! The protocol as far as a recorder speaks it: enough of each era to be examined, listed and called.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;

use super::answer::{Answer, Blanks, Body, RESULT, full};
use super::{Seen, Speaks, State};
use crate::request::{LEGACY, MODERN};

/// As much of a message as must be known, with ids and tokens as they were sent.
#[derive(Deserialize, Default)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: String,
    #[serde(borrow, default)]
    params: Params<'a>,
}

#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(default)]
    name: String,
    #[serde(borrow, default, rename = "_meta")]
    meta: Meta<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl Params<'_> {
    /// The argument `text`, if there is one.
    fn text(&self) -> String {
        #[derive(Default, Deserialize)]
        struct Arguments {
            text: String,
        }
        let arguments = self.arguments.and_then(|arguments| serde_json::from_str::<Arguments>(arguments.get()).ok());
        arguments.unwrap_or_default().text
    }
}

#[derive(Deserialize, Default)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: Option<&'a RawValue>,
}

pub(super) async fn connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { serve(request, &state).await }
    });
    // A connection that ends is what tests do.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error closes the connection.
async fn serve(request: Request<Incoming>, state: &Arc<State>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(status(400)) };
    let seen = Seen { method: head.method.clone(), headers: head.headers, body: body.to_bytes() };
    if state.witness.is_none() {
        state.seen.lock().push(seen.clone());
    }
    match head.method {
        Method::POST => post(&seen, state).await,
        Method::DELETE => Ok(delete(&seen, state)),
        _ => Ok(status(405)),
    }
}

async fn post(seen: &Seen, state: &Arc<State>) -> io::Result<Response<Body>> {
    let message: Message<'_> = serde_json::from_slice(&seen.body).unwrap_or_default();
    let Some(id) = message.id else { return Ok(status(202)) };
    let blanks = Blanks {
        id: id.get().to_owned(),
        token: message.params.meta.token.map(|token| token.get().to_owned()).unwrap_or_default(),
        text: message.params.text(),
    };
    if let Some(refusal) = unfit(&message, seen, state) {
        return Ok(refusal);
    }
    let called = message.method == "tools/call";
    if let Some(witness) = state.witness.as_ref().filter(|_| called) {
        witness(seen);
    }
    let suffers = state.suffers.lock().clone();
    if let Some(answer) = suffers {
        return answer.give(state, &blanks, seen).await;
    }
    if called {
        let answer = state.answers.lock().get(&message.params.name).cloned();
        return answer.unwrap_or_else(|| Answer::Json(RESULT.to_owned())).give(state, &blanks, seen).await;
    }
    if message.method == "initialize" {
        return initialize(state, &blanks, seen).await;
    }
    let modern = seen.header("mcp-protocol-version") == MODERN;
    Ok(match message.method.as_str() {
        "server/discover" => result(&blanks, &discover(state.speaks)),
        "tools/list" => result(&blanks, &list(state, modern)),
        _ => json(
            if modern { 404 } else { 200 },
            &format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"Method not found"}}}}"#,
                blanks.id
            ),
        ),
    })
}

/// What is said to a request of the wrong era, or of no session.
fn unfit(message: &Message<'_>, seen: &Seen, state: &State) -> Option<Response<Body>> {
    let modern = seen.header("mcp-protocol-version") == MODERN;
    if modern && matches!(state.speaks, Speaks::Legacy | Speaks::Sessionless) {
        return Some(json(
            400,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}}"#,
        ));
    }
    if !modern && state.speaks == Speaks::Modern {
        return Some(json(
            400,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"MCP-Protocol-Version is missing"}}"#,
        ));
    }
    let stateless = modern || message.method == "initialize" || state.speaks == Speaks::Sessionless;
    let known = || state.sessions.lock().contains(&seen.header("mcp-session-id"));
    (!stateless && !known())
        .then(|| json(404, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#))
}

async fn initialize(state: &Arc<State>, blanks: &Blanks, seen: &Seen) -> io::Result<Response<Body>> {
    let told = state.initialize.lock().clone();
    if let Some(answer) = told {
        return answer.give(state, blanks, seen).await;
    }
    let info = format!(
        r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"recorder","version":"1"}}}}"#,
        state.agrees.lock()
    );
    let mut response = result(blanks, &info);
    if state.speaks != Speaks::Sessionless {
        let id = format!("upstream-session-{:x}-{:x}", std::process::id(), fresh());
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("mcp-session-id", value);
        }
        state.sessions.lock().push(id);
    }
    Ok(response)
}

/// A number that no other session of this process has.
fn fresh() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn delete(seen: &Seen, state: &State) -> Response<Body> {
    let mut sessions = state.sessions.lock();
    let before = sessions.len();
    sessions.retain(|id| *id != seen.header("mcp-session-id"));
    status(if sessions.len() < before { 200 } else { 404 })
}

fn discover(speaks: Speaks) -> String {
    let versions =
        if speaks == Speaks::Modern { format!(r#""{MODERN}""#) } else { format!(r#""{MODERN}","{LEGACY}""#) };
    format!(
        r#"{{"resultType":"complete","supportedVersions":[{versions}],"capabilities":{{"tools":{{}}}},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"recorder","version":"1"}}}}}}"#
    )
}

fn list(state: &State, modern: bool) -> String {
    let tools = state.tools.lock().join(",");
    let hints = if modern { r#","resultType":"complete","ttlMs":0,"cacheScope":"private""# } else { "" };
    format!(r#"{{"tools":[{tools}]{hints}}}"#)
}

fn result(blanks: &Blanks, result: &str) -> Response<Body> {
    json(200, &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, blanks.id))
}

fn json(status: u16, body: &str) -> Response<Body> {
    full(status, "application/json", body.to_owned())
}

fn status(status: u16) -> Response<Body> {
    full(status, "text/plain", Bytes::new())
}
