//! Messages that the gateway says itself: as a client to upstreams, and as a server to agents. Byte strings are JSON.
//!
//! It must never advertise what it does not do: no client capabilities, tools without change notifications.

use bytes::Bytes;

use super::envelope::key;
use super::json::{string, write_string};
use super::page::Page;
use super::revision::{Era, Revision, SUPPORTED};

/// What we are called in `serverInfo` and `clientInfo`.
pub const NAME: &str = "portolan";

const INFO: &str = concat!(r#"{"name":"portolan","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
const CAPABILITIES: &str = r#"{"tools":{"listChanged":false}}"#;

/// Who we are, an `Implementation` object.
#[must_use]
pub const fn server_info() -> &'static [u8] {
    INFO.as_bytes()
}

/// How long, and for whom, an answer may be kept (2026-07-28, caching).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheHints {
    /// Milliseconds; 0: do not keep it.
    pub ttl_ms: u64,
    /// Whether one agent's copy may serve another.
    pub public: bool,
}

/// Collects the members of one object.
struct Object(Vec<u8>);

impl Object {
    fn new() -> Self {
        Self(b"{".to_vec())
    }

    fn raw(mut self, key: &str, value: &[u8]) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_string(&mut self.0, key);
        self.0.push(b':');
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, &string(value))
    }

    fn some(self, key: &str, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.raw(key, value),
            None => self,
        }
    }

    fn done(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

fn message() -> Object {
    Object::new().text("jsonrpc", "2.0")
}

/// The metadata of a modern request of our own.
fn own_meta() -> Vec<u8> {
    Object::new()
        .text(key::PROTOCOL_VERSION, Revision::NEWEST.as_str())
        .raw(key::CLIENT_INFO, INFO.as_bytes())
        .raw(key::CLIENT_CAPABILITIES, b"{}")
        .done()
}

/// Our `initialize`. `client_info` is an agent's, where we open the session for one; without it we are the client.
#[must_use]
pub fn initialize_request(id: &[u8], revision: Revision, client_info: Option<&[u8]>) -> Bytes {
    let params = Object::new()
        .text("protocolVersion", revision.as_str())
        .raw("capabilities", b"{}")
        .raw("clientInfo", client_info.unwrap_or(INFO.as_bytes()))
        .done();
    message().raw("id", id).text("method", "initialize").raw("params", &params).done().into()
}

/// `notifications/initialized`.
#[must_use]
pub fn initialized() -> Bytes {
    Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
}

/// Our `server/discover`.
#[must_use]
pub fn discover_request(id: &[u8]) -> Bytes {
    let params = Object::new().raw("_meta", &own_meta()).done();
    message().raw("id", id).text("method", "server/discover").raw("params", &params).done().into()
}

/// Our `tools/list`; `cursor` as the upstream gave it.
#[must_use]
pub fn tools_list_request(id: &[u8], era: Era, cursor: Option<&str>) -> Bytes {
    let meta = (era == Era::Modern).then(own_meta);
    let cursor = cursor.map(string);
    let params = Object::new().some("cursor", cursor.as_deref()).some("_meta", meta.as_deref()).done();
    message().raw("id", id).text("method", "tools/list").raw("params", &params).done().into()
}

/// `notifications/cancelled` for a legacy upstream; `request` is the id that we gave the request.
#[must_use]
pub fn cancelled(request: &[u8], reason: &str) -> Bytes {
    let params = Object::new().raw("requestId", request).text("reason", reason).done();
    message().text("method", "notifications/cancelled").raw("params", &params).done().into()
}

fn answer(id: &[u8], result: Object) -> Bytes {
    message().raw("id", id).raw("result", &result.done()).done().into()
}

/// The beginning of a result: what every modern one carries.
fn result(era: Era) -> Object {
    match era {
        Era::Legacy => Object::new(),
        Era::Modern => {
            let meta = Object::new().raw(key::SERVER_INFO, INFO.as_bytes()).done();
            Object::new().text("resultType", "complete").raw("_meta", &meta)
        }
    }
}

fn hinted(result: Object, hints: CacheHints) -> Object {
    let scope = if hints.public { "public" } else { "private" };
    result.raw("ttlMs", hints.ttl_ms.to_string().as_bytes()).text("cacheScope", scope)
}

/// A result that says nothing but yes (`ping`).
#[must_use]
pub fn empty_result(id: &[u8], era: Era) -> Bytes {
    answer(id, result(era))
}

/// The answer to `initialize`.
#[must_use]
pub fn initialize_result(id: &[u8], revision: Revision, instructions: Option<&str>) -> Bytes {
    let instructions = instructions.map(string);
    let result = Object::new()
        .text("protocolVersion", revision.as_str())
        .raw("capabilities", CAPABILITIES.as_bytes())
        .raw("serverInfo", INFO.as_bytes())
        .some("instructions", instructions.as_deref());
    answer(id, result)
}

/// The answer to `server/discover`.
#[must_use]
pub fn discover_result(id: &[u8], instructions: Option<&str>, hints: CacheHints) -> Bytes {
    let versions: Vec<_> = SUPPORTED.iter().map(|revision| format!("\"{revision}\"")).collect();
    let instructions = instructions.map(string);
    let result = result(Era::Modern)
        .raw("supportedVersions", format!("[{}]", versions.join(",")).as_bytes())
        .raw("capabilities", CAPABILITIES.as_bytes())
        .some("instructions", instructions.as_deref());
    answer(id, hinted(result, hints))
}

/// The answer to `tools/list` up to the tools; `hints` are for modern agents. [`tools_list_tail`] ends it.
#[must_use]
pub fn tools_list_head(id: &[u8], era: Era, next_cursor: Option<&str>, hints: CacheHints) -> Bytes {
    let next_cursor = next_cursor.map(string);
    let result = result(era).some("nextCursor", next_cursor.as_deref());
    let mut result = if era == Era::Modern { hinted(result, hints) } else { result }.done();
    let ends = result.pop();
    debug_assert_eq!(ends, Some(b'}'));
    let mut out = Vec::with_capacity(result.len() + id.len() + 48);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id);
    out.extend_from_slice(br#","result":"#);
    out.extend_from_slice(&result);
    if result.len() > 1 {
        out.push(b',');
    }
    out.extend_from_slice(br#""tools":"#);
    out.into()
}

/// The tools of an answer to `tools/list`, and its end: the same for whoever asks, since the tools are its last member. They may be many, and are
/// copied once.
#[must_use]
pub fn tools_list_tail(tools: &Page<'_>) -> Bytes {
    let mut out = Vec::with_capacity(tools.bytes + 2);
    tools.write(&mut out);
    out.extend_from_slice(b"}}");
    out.into()
}

/// A `tools/call` that failed in a way that the model should read.
#[must_use]
pub fn tool_error(id: &[u8], era: Era, text: &str) -> Bytes {
    let block = Object::new().text("type", "text").text("text", text).done();
    let content = [b"[", block.as_slice(), b"]"].concat();
    answer(id, result(era).raw("content", &content).raw("isError", b"true"))
}

#[cfg(test)]
mod tests;
