//! Carrying messages between an agent and an upstream, within a revision or across eras: what is put in, taken out and replaced.
//!
//! Only splices: `arguments`, content and members that we do not own stay byte for byte. It must never pass on a client's capabilities,
//! which this hop could not honour.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;

use super::answer::{ResponseEnvelope, ResultParts};
use super::envelope::{Envelope, key};
use super::json::string;
use super::message::server_info;
use super::revision::{Era, Revision};
use super::span::Span;
use super::splice::Splice;

/// Who speaks what on the two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The agent's revision.
    pub client: Revision,
    /// The upstream's revision.
    pub upstream: Revision,
}

/// What of a request is ours on the upstream's side. Byte strings are JSON.
#[derive(Debug, Clone, Copy)]
pub struct Outbound<'a> {
    /// The id that we gave it.
    pub id: &'a [u8],
    /// The name in the upstream's words, where it differs from what the agent said.
    pub name: Option<&'a str>,
    /// Our progress token; without one the agent's is taken out.
    pub progress_token: Option<&'a [u8]>,
    /// The trace's parent, put in the place of the agent's (or beside none).
    pub traceparent: Option<&'a str>,
    /// `clientInfo` of the agent's session, for a modern upstream of a legacy agent.
    pub client_info: Option<&'a [u8]>,
}

/// The request that goes upstream. `body` and `envelope` are the agent's.
#[must_use]
pub fn request(body: &Bytes, envelope: &Envelope, crossing: Crossing, outbound: &Outbound<'_>) -> Bytes {
    let mut splice = Splice::new(body);
    if let Some(id) = envelope.id {
        splice.replace(id, outbound.id);
    }
    if let (Some(name), Some(text)) = (outbound.name, envelope.name) {
        splice.replace(text.span, string(name));
    }
    let mut added = Vec::new();
    let meta = envelope.meta.unwrap_or_default();
    match (meta.progress_token, outbound.progress_token) {
        (Some(member), Some(token)) => drop(splice.replace(member.value, token)),
        (Some(member), None) => drop(splice.remove_member(member)),
        (None, Some(token)) => add(&mut added, "progressToken", token),
        (None, None) => {}
    }
    match (meta.traceparent, outbound.traceparent) {
        (Some(member), Some(parent)) => drop(splice.replace(member.value, string(parent))),
        (None, Some(parent)) => add(&mut added, "traceparent", &string(parent)),
        (_, None) => {}
    }
    match crossing.upstream.era() {
        Era::Legacy => {
            let modern = [meta.protocol_version_member, meta.client_capabilities, meta.client_info, meta.log_level];
            for member in modern.into_iter().flatten() {
                splice.remove_member(member);
            }
        }
        Era::Modern => {
            let version = crossing.upstream.as_str();
            match meta.protocol_version_member {
                Some(_) if meta.protocol_version.is_some_and(|said| said.is(body, version)) => {}
                Some(member) => drop(splice.replace(member.value, string(version))),
                None => add(&mut added, key::PROTOCOL_VERSION, &string(version)),
            }
            match meta.client_capabilities {
                Some(member) if member.value.of(body) == b"{}" => {}
                Some(member) => drop(splice.replace(member.value, &b"{}"[..])),
                None => add(&mut added, key::CLIENT_CAPABILITIES, b"{}"),
            }
            if let (None, Some(info)) = (meta.client_info, outbound.client_info) {
                add(&mut added, key::CLIENT_INFO, info);
            }
        }
    }
    if !added.is_empty() {
        add_to_meta(&mut splice, envelope, added);
    }
    splice.finish()
}

/// The answer that goes to the agent under the agent's own id. `body` and `envelope` are the upstream's response.
#[must_use]
pub fn response(body: &Bytes, envelope: &ResponseEnvelope, crossing: Crossing, id: &[u8]) -> Bytes {
    let mut splice = Splice::new(body);
    // An error about a message that the upstream says it could not read has no id, or null.
    let Some(own) = envelope.id else { return error_without_id(body, envelope, id) };
    splice.replace(own, id);
    if let Some(result) = &envelope.result {
        result_members(&mut splice, result, crossing);
    }
    splice.finish()
}

fn error_without_id(body: &Bytes, envelope: &ResponseEnvelope, id: &[u8]) -> Bytes {
    let error = envelope.error.map(|error| error.object.of(body)).unwrap_or_default();
    [br#"{"jsonrpc":"2.0","id":"#, id, br#","error":"#, error, b"}"].concat().into()
}

fn result_members(splice: &mut Splice<'_>, result: &ResultParts, crossing: Crossing) {
    if let Some((member, object)) = result.structured_content
        && !object
        && crossing.client < Revision::R20260728
    {
        splice.remove_member(member);
    }
    match crossing.client.era() {
        Era::Modern => {
            if result.result_type.is_none() {
                splice.insert_member_first(result.object, &br#""resultType":"complete""#[..]);
            }
            match (result.server_info, result.meta) {
                (Some(member), _) => drop(splice.replace(member.value, server_info())),
                (None, Some(meta)) => drop(splice.insert_member_first(meta.value, SERVER_INFO.as_slice())),
                (None, None) => drop(splice.insert_member_first(result.object, META.as_slice())),
            }
        }
        Era::Legacy => {
            let result_type = result.result_type.map(|(member, _)| member);
            for member in [result_type, result.ttl_ms, result.cache_scope, result.server_info].into_iter().flatten() {
                splice.remove_member(member);
            }
        }
    }
}

/// A notification about progress, under the token that the agent chose (JSON).
#[must_use]
pub fn progress(body: &Bytes, envelope: &ResponseEnvelope, token: &[u8]) -> Bytes {
    let mut splice = Splice::new(body);
    if let Some(span) = envelope.progress_token {
        splice.replace(span, token.to_vec());
    }
    splice.finish()
}

/// A cancellation, under the id that we gave the request (JSON).
#[must_use]
pub fn cancellation(body: &Bytes, envelope: &Envelope, id: &[u8]) -> Bytes {
    let mut splice = Splice::new(body);
    if let Some(span) = envelope.request_id {
        splice.replace(span, id.to_vec());
    }
    splice.finish()
}

/// Who we are, as a member of a result's `_meta`.
static SERVER_INFO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut member = Vec::new();
    add(&mut member, key::SERVER_INFO, server_info());
    member
});

/// The same for a result that has no `_meta`.
static META: LazyLock<Vec<u8>> = LazyLock::new(|| [b"\"_meta\":{", SERVER_INFO.as_slice(), b"}"].concat());

fn add(members: &mut Vec<u8>, key: &str, value: &[u8]) {
    // At once: growing by each part costs a thousand instructions a call.
    members.reserve(key.len() + value.len() + r#","":"#.len());
    if !members.is_empty() {
        members.push(b',');
    }
    members.push(b'"');
    members.extend_from_slice(key.as_bytes());
    members.extend_from_slice(b"\":");
    members.extend_from_slice(value);
}

/// Puts members into `params._meta`, making what is missing of it.
fn add_to_meta<'a>(splice: &mut Splice<'a>, envelope: &Envelope, members: Vec<u8>) {
    let wrap = |open: &[u8], close: &[u8]| [open, &members, close].concat();
    let (object, text): (Option<Span>, Cow<'a, [u8]>) = match (envelope.meta, envelope.params) {
        (Some(meta), _) => (Some(meta.object), members.into()),
        (None, Some(params)) => (Some(params), wrap(b"\"_meta\":{", b"}").into()),
        (None, None) => (envelope.object, wrap(b"\"params\":{\"_meta\":{", b"}}").into()),
    };
    if let Some(object) = object {
        splice.insert_member_first(object, text);
    }
}

#[cfg(test)]
mod tests;
