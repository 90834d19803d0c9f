//! One HTTP request exactly as a test wants it, right or wrong, and what came back. Every request has a connection of its own.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::eventually::PATIENCE;

/// The newest revision.
pub const MODERN: &str = "2026-07-28";
/// The newest revision with sessions.
pub const LEGACY: &str = "2025-11-25";

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its target.
    pub target: String,
    /// Its headers; `Host` is made from the address where there is none.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// The name in parameters whose numbers no [`Value`] holds.
#[derive(Default, Deserialize)]
struct Named {
    name: Option<String>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Request {
    fn new(method: Method, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    /// A POST of a message with the headers that every revision asks for.
    #[must_use]
    pub fn post(target: &str, body: &str) -> Self {
        let request = Self::new(Method::POST, target).body(body);
        request.with("content-type", "application/json").with("accept", "application/json, text/event-stream")
    }

    /// A request of 2026-07-28 with id 1: `params` is the text of an object, to which the metadata is added.
    #[must_use]
    pub fn modern(target: &str, method: &str, params: &str) -> Self {
        let meta = format!(
            r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientInfo":{{"name":"t","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}"#
        );
        let params = match params.trim_start().strip_prefix('{') {
            Some(rest) if rest.trim_start().starts_with('}') => format!("{{{meta}}}"),
            Some(rest) => format!("{{{meta},{rest}"),
            None => params.to_owned(),
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let request = Self::post(target, &body).with("mcp-protocol-version", MODERN).with("mcp-method", method);
        let named = serde_json::from_str::<Named>(&params).unwrap_or_default().name;
        match named.filter(|_| method == "tools/call") {
            Some(name) => request.with("mcp-name", name),
            None => request,
        }
    }

    /// A request with id 1 in an older client's session.
    #[must_use]
    pub fn legacy(target: &str, session: &str, method: &str, params: &str) -> Self {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        Self::post(target, &body).with("mcp-protocol-version", LEGACY).with("mcp-session-id", session)
    }

    /// The first request of an older client.
    #[must_use]
    pub fn initialize(target: &str, revision: &str) -> Self {
        let params = format!(
            r#"{{"protocolVersion":"{revision}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}"#
        );
        Self::post(target, &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#))
    }

    /// The same by another method.
    #[must_use]
    pub fn by(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// The same to another target.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// The same with this header, instead of what it had under the name.
    #[must_use]
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).and(name, value)
    }

    /// The same with one more header.
    #[must_use]
    pub fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// The same with a token, if there is one.
    #[must_use]
    pub fn token(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.with("authorization", format!("Bearer {token}")),
            None => self,
        }
    }

    /// The same with this body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_owned();
        self
    }

    /// The same with the first `from` of its body replaced.
    ///
    /// # Panics
    /// When the body has no `from`: the test is wrong.
    #[must_use]
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        assert!(body.contains(from), "{body} has no {from}");
        self.body = body.replacen(from, to, 1).into_bytes();
        self
    }

    /// The same under another id, as JSON text.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.edit(r#""id":1"#, &format!(r#""id":{id}"#))
    }

    /// Sends it and reads the answer to its end.
    ///
    /// # Errors
    /// There is no connection, or no whole answer in time.
    pub async fn send(&self, address: SocketAddr) -> anyhow::Result<Reply> {
        let sent = async {
            let (parts, body) = self.open(address).await?.into_parts();
            let body = body.collect().await.context("the answer broke off")?.to_bytes();
            Ok(Reply { status: parts.status, headers: parts.headers, body })
        };
        tokio::time::timeout(PATIENCE, sent).await.context("no answer in time")?
    }

    /// Sends it and gives the answer's head, with the body to be read as it comes. Dropping the answer closes the connection.
    ///
    /// # Errors
    /// There is no connection, or no head.
    pub async fn open(&self, address: SocketAddr) -> anyhow::Result<http::Response<Incoming>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = http::Request::builder().method(self.method.clone()).uri(&self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", address.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value)?);
        }
        Ok(sender.send_request(request.body(Full::new(Bytes::from(self.body.clone())))?).await?)
    }
}

impl Reply {
    /// A header, if there is exactly one that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok();
        if values.next().is_none() { first } else { None }
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message: the body, or the last event where it is an event stream.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = self.message_text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{} {error}: {text}", self.status))
    }

    /// The message's text: the body, or the last event where it is an event stream.
    #[must_use]
    pub fn message_text(&self) -> String {
        if self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            self.events().pop().unwrap_or_default()
        } else {
            self.text()
        }
    }

    /// The events' data, in order.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        let mut events = crate::agent::Events::default();
        events.push(&self.body);
        events.collect()
    }

    /// `error.code`.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        serde_json::from_str::<Value>(&self.message_text()).ok()?["error"]["code"].as_i64()
    }

    /// `error.message`, empty if there is none.
    #[must_use]
    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The text of the first content block of a tool's result.
    #[must_use]
    pub fn tool_text(&self) -> String {
        self.json()["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it is a tool's result that says it failed.
    #[must_use]
    pub fn is_tool_error(&self) -> bool {
        self.status == StatusCode::OK && self.json()["result"]["isError"] == true
    }
}

/// Sends bytes as they are and reads until the peer closes, or stops sending for good.
///
/// # Errors
/// There is no connection.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = BytesMut::new();
    let read = async { while stream.read_buf(&mut answer).await.is_ok_and(|count| count > 0) {} };
    tokio::time::timeout(PATIENCE, read).await.context("the connection stays open")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
