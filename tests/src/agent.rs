//! An agent that speaks to one endpoint in the era of its choice, message by message.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::eventually::{eventually, within};
use crate::request::{LEGACY, Reply, Request};
use crate::standalone::Standalone;

/// An agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The gateway.
    pub address: SocketAddr,
    /// The endpoint's path.
    pub path: String,
    /// Its token.
    pub token: Option<String>,
    /// Its session, if it is an older client.
    pub session: Option<String>,
}

impl Agent {
    /// An agent that speaks 2026-07-28.
    #[must_use]
    pub fn modern(gateway: &Standalone, path: &str) -> Self {
        Self { address: gateway.addresses.listen, path: path.to_owned(), token: None, session: None }
    }

    /// An agent that speaks 2025-11-25, with a session.
    ///
    /// # Errors
    /// It gets no session.
    pub async fn legacy(gateway: &Standalone, path: &str) -> anyhow::Result<Self> {
        Self::modern(gateway, path).initialized().await
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The same with a session that it has just opened.
    ///
    /// # Errors
    /// It gets none.
    pub async fn initialized(mut self) -> anyhow::Result<Self> {
        let request = Request::initialize(&self.path, LEGACY).token(self.token.as_deref());
        let reply = request.send(self.address).await?;
        ensure!(reply.status == StatusCode::OK, "initialize: {} {}", reply.status, reply.text());
        let session = reply.header("mcp-session-id").context("no session id")?.to_owned();
        self.session = Some(session);
        let accepted = self.notify("notifications/initialized", "{}").await?;
        ensure!(accepted.status == StatusCode::ACCEPTED, "initialized: {} {}", accepted.status, accepted.text());
        Ok(self)
    }

    /// A request with id 1 as this agent makes it. `params` is the text of an object.
    #[must_use]
    pub fn request(&self, method: &str, params: &str) -> Request {
        let request = match &self.session {
            Some(session) => Request::legacy(&self.path, session, method, params),
            None => Request::modern(&self.path, method, params),
        };
        request.token(self.token.as_deref())
    }

    /// A `tools/call` with id 1. `arguments` is the text of an object.
    #[must_use]
    pub fn calling(&self, tool: &str, arguments: &str) -> Request {
        self.request("tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(&self, request: &Request) -> anyhow::Result<Reply> {
        request.send(self.address).await
    }

    /// Sends a request and reads its events as they come.
    ///
    /// # Errors
    /// The answer is no event stream.
    pub async fn stream(&self, request: &Request) -> anyhow::Result<Stream> {
        Stream::of(request, self.address).await
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn notify(&self, method: &str, params: &str) -> anyhow::Result<Reply> {
        self.request(method, params).edit(r#""id":1,"#, "").send(self.address).await
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn call(&self, tool: &str, arguments: &str) -> anyhow::Result<Reply> {
        self.calling(tool, arguments).send(self.address).await
    }

    /// One page of the list.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn page(&self, cursor: Option<&str>) -> anyhow::Result<Reply> {
        let params = cursor.map_or("{}".to_owned(), |cursor| serde_json::json!({"cursor": cursor}).to_string());
        self.request("tools/list", &params).send(self.address).await
    }

    /// Every tool, over all pages.
    ///
    /// # Errors
    /// There is no answer, or an error.
    pub async fn tools(&self) -> anyhow::Result<Vec<Value>> {
        let (mut tools, mut cursor) = (Vec::new(), None);
        loop {
            let reply = self.page(cursor.as_deref()).await?;
            ensure!(reply.status == StatusCode::OK, "{} {}", reply.status, reply.text());
            let result = reply.json()["result"].clone();
            tools.extend(result["tools"].as_array().with_context(|| reply.text())?.iter().cloned());
            match result["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(tools),
            }
        }
    }

    /// The names of every tool, in order.
    ///
    /// # Errors
    /// There is no answer, or an error.
    pub async fn names(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.tools().await?.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Waits until exactly these tools are listed, in this order.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn lists(&self, names: &[&str]) {
        eventually(&format!("the list is {names:?}"), async || {
            let listed = self.names().await.ok()?;
            (listed == names).then_some(())
        })
        .await;
    }

    /// Ends its session.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn delete(&self) -> anyhow::Result<Reply> {
        let session = self.session.as_deref().unwrap_or_default();
        let request = Request::get(&self.path).by(Method::DELETE).with("mcp-session-id", session);
        request.token(self.token.as_deref()).send(self.address).await
    }

    /// The request for its session's own stream.
    #[must_use]
    pub fn listening(&self) -> Request {
        let session = self.session.as_deref().unwrap_or_default();
        let request = Request::get(&self.path).with("mcp-session-id", session).with("accept", "text/event-stream");
        request.with("mcp-protocol-version", LEGACY).token(self.token.as_deref())
    }
}

/// Events out of bytes, however they were cut.
#[derive(Default)]
pub struct Events {
    buffer: BytesMut,
}

impl Events {
    /// More bytes.
    pub fn push(&mut self, bytes: &Bytes) {
        self.buffer.extend_from_slice(bytes);
    }
}

impl Iterator for Events {
    type Item = String;

    /// The data of the next event that has any.
    fn next(&mut self) -> Option<String> {
        loop {
            let end = self.buffer.windows(2).position(|two| two == b"\n\n")?;
            let event = self.buffer.split_to(end + 2);
            let text = String::from_utf8_lossy(&event).into_owned();
            let data: Vec<_> =
                text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
            if !data.is_empty() {
                return Some(data.join("\n"));
            }
        }
    }
}

/// An event stream that is read as it comes. Dropping it closes the connection.
pub struct Stream {
    body: Incoming,
    events: Events,
}

impl Stream {
    /// The events that answer a request.
    ///
    /// # Errors
    /// The answer is no event stream.
    pub async fn of(request: &Request, address: SocketAddr) -> anyhow::Result<Self> {
        Self::new(request.open(address).await?)
    }

    fn new(response: http::Response<Incoming>) -> anyhow::Result<Self> {
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(kind.starts_with("text/event-stream"), "{} {kind}", response.status());
        Ok(Self { body: response.into_body(), events: Events::default() })
    }

    /// The next event; nothing at the end.
    ///
    /// # Errors
    /// The stream breaks off.
    ///
    /// # Panics
    /// When nothing comes in time.
    pub async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(event) = self.events.next() {
                return Ok(Some(event));
            }
            match within("the next event", self.body.frame()).await.transpose()? {
                Some(frame) => drop(frame.into_data().map(|data| self.events.push(&data))),
                None => return Ok(None),
            }
        }
    }

    /// The next event as JSON.
    ///
    /// # Errors
    /// There is none, or it is not JSON.
    pub async fn message(&mut self) -> anyhow::Result<Value> {
        let event = self.next().await?.context("the stream has ended")?;
        serde_json::from_str(&event).with_context(|| event)
    }

    /// The next bytes, comments included; nothing at the end.
    ///
    /// # Errors
    /// The stream breaks off.
    pub async fn bytes(&mut self) -> anyhow::Result<Option<Bytes>> {
        let frame = self.body.frame().await.transpose()?;
        Ok(frame.and_then(|frame| frame.into_data().ok()))
    }
}
