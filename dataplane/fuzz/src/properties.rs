//! What holds for any input at all. Each function panics where it does not.

use std::collections::HashMap;

use bytes::Bytes;
use portolan_config::LastGood;
use portolan_config::frame::{Content, Frame};
use serde_json::value::RawValue;

use crate::mcp::cross::{self, Crossing, Outbound};
use crate::mcp::seal::{self, Binding, Context, Ring};
use crate::mcp::session::Session;
use crate::mcp::{Envelope, Revision, Shape, Span, Splice, error, scan, scan_response};

#[path = "properties/cursor.rs"]
pub mod cursor;
#[path = "properties/expression.rs"]
pub mod expression;
#[path = "properties/head.rs"]
pub mod head;
#[path = "properties/header_value.rs"]
pub mod header_value;
#[path = "properties/name.rs"]
pub mod name;
#[path = "properties/sse.rs"]
pub mod sse;
#[path = "properties/step.rs"]
pub mod step;
#[path = "properties/token.rs"]
pub mod token;
#[path = "properties/upstream_answer.rs"]
pub mod upstream_answer;

type Members<'a> = HashMap<String, &'a RawValue>;

/// The envelope scan never panics; what it accepts other parsers accept and read alike; edits change what they are meant to and nothing else.
pub fn envelope(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    match scan(&body) {
        Ok(envelope) if envelope.shape == Shape::Batch => assert_eq!(body.trim_ascii().first(), Some(&b'[')),
        Ok(envelope) => {
            read_alike(&body, &envelope);
            rename(&body, &envelope);
            cross_requests(&body, &envelope);
        }
        Err(malformed) => {
            let id = malformed.id.map(|id| bytes_of(&body, id));
            json(&error::render(id, malformed.code, &malformed.message, None));
        }
    }
    answers(&body);
}

const KEYS: &[u8] =
    br#"{"keys":[{"id":"fuzz","key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","state":"current"}]}"#;

/// What is read of a file is what would be written; its content is refused or comes back as it was; and nothing opens that was not sealed.
pub fn last_good(data: &[u8]) {
    if let Ok(frame) = Frame::decode(data) {
        assert_eq!(frame.encode(), data);
    }
    for content in [Content::LastGood, Content::KeySets] {
        let framed = Frame { content, fleet: "fuzz", payload: data };
        assert_eq!(Frame::decode(&framed.encode()), Ok(framed));
    }
    if let Ok(kept) = LastGood::decode(data) {
        let change = kept.change();
        assert_eq!((change.upserts.len(), change.held.len()), (kept.resources.len(), kept.held.len()));
        assert_eq!(LastGood::decode(&kept.clone().encode()), Ok(kept));
    }
    let ring = Ring::parse(KEYS).expect("a valid key file");
    let file = Binding { route: "", tenant: "fuzz", principal: b"" };
    assert!(seal::open_bytes(&ring, Context::LastGood, &file, data).is_err());
    let sealed = seal::seal_bytes(&ring, Context::LastGood, &file, data);
    assert_eq!(seal::open_bytes(&ring, Context::LastGood, &file, &sealed).as_deref(), Ok(data));
}

/// No text opens that was not sealed, no sealed content makes opening panic, and what opens seals again to the same session.
pub fn session(data: &[u8]) {
    let ring = Ring::parse(KEYS).expect("a valid key file");
    let binding = Binding { route: "Route/fuzz/fuzz", tenant: "fuzz", principal: b"fuzz" };
    let elsewhere = Binding { principal: b"other", ..binding };
    let reseal = |session: &Session| {
        let text = session.seal(&ring, &binding);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(Session::open(&ring, &elsewhere, &text, 0).is_err());
        Session::open(&ring, &binding, &text, 0)
    };
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(Session::open(&ring, &elsewhere, text, 0).is_err());
        if let Ok(session) = Session::open(&ring, &binding, text, 0) {
            assert_eq!(reseal(&session).as_ref(), Ok(&session));
        }
    }
    let sealed = seal::seal(&ring, Context::Session, &binding, data);
    if let Ok(session) = Session::open(&ring, &binding, &sealed, 0) {
        let again = reseal(&session).expect("it was just sealed");
        // The one thing that sealing drops.
        assert_eq!(Session { client_info: session.client_info.clone(), ..again }, session);
    }
}

fn bytes_of(body: &[u8], span: Span) -> &[u8] {
    body.get(span.range()).expect("a span within the body")
}

fn json(text: &[u8]) -> &RawValue {
    serde_json::from_slice(text).expect("JSON")
}

fn members(text: &[u8]) -> Members<'_> {
    serde_json::from_slice(text).expect("an object")
}

/// An independent parser finds at each key what the scan found. (Of duplicates among other keys it keeps one; ours there are none.)
fn read_alike(body: &[u8], envelope: &Envelope) {
    json(body);
    let top = members(body);
    let same = |members: &Members<'_>, key: &str, span: Option<Span>| {
        let expected = members.get(key).map(|raw| raw.get().as_bytes());
        assert_eq!(span.map(|span| bytes_of(body, span)), expected, "{key}");
    };
    same(&top, "method", envelope.method.map(|text| text.span));
    same(&top, "params", envelope.params);
    same(&top, "result", envelope.result);
    same(&top, "error", envelope.error);
    if envelope.id.is_some() {
        same(&top, "id", envelope.id);
    }
    let Some(params) = envelope.params else { return };
    let params = members(bytes_of(body, params));
    same(&params, "name", envelope.name.map(|text| text.span));
    same(&params, "uri", envelope.uri.map(|text| text.span));
    same(&params, "cursor", envelope.cursor.map(|text| text.span));
    same(&params, "arguments", envelope.arguments);
    same(&params, "requestId", envelope.request_id);
    same(&params, "_meta", envelope.meta.map(|meta| meta.object));
    for text in [envelope.method, envelope.name, envelope.uri, envelope.cursor].into_iter().flatten() {
        let expected: String = serde_json::from_slice(bytes_of(body, text.span)).expect("a string");
        assert_eq!(text.decode(body), expected);
    }
    let Some(meta) = envelope.meta else { return };
    let found = members(bytes_of(body, meta.object));
    same(&found, "progressToken", meta.progress_token.map(|member| member.value));
    same(&found, "traceparent", meta.traceparent.map(|member| member.value));
}

/// Splicing the id and the name leaves every other byte as it was.
fn rename(body: &Bytes, envelope: &Envelope) {
    let (id, name) = (&br#""spliced""#[..], &br#""renamed""#[..]);
    let mut splice = Splice::new(body);
    let mut spans = Vec::new();
    for (span, text) in [(envelope.id, id), (envelope.name.map(|name| name.span), name)] {
        if let Some(span) = span {
            splice.replace(span, text);
            spans.push((span, text));
        }
    }
    let edited = splice.finish();
    spans.sort_by_key(|(span, _)| span.start);
    let (mut expected, mut at) = (Vec::new(), 0);
    for (span, text) in spans {
        expected.extend_from_slice(&body[at..span.range().start]);
        expected.extend_from_slice(text);
        at = span.range().end;
    }
    expected.extend_from_slice(&body[at..]);
    assert_eq!(edited, expected);
    let again = scan(&edited).expect("still a message");
    assert_eq!(again.id.map(|id| bytes_of(&edited, id)), envelope.id.map(|_| id));
    assert_eq!(again.name.map(|text| bytes_of(&edited, text.span)), envelope.name.map(|_| name));
    let arguments = |body: &[u8], envelope: &Envelope| envelope.arguments.map(|span| bytes_of(body, span).to_vec());
    assert_eq!(arguments(&edited, &again), arguments(body, envelope));
}

const REVISIONS: [Revision; 2] = [Revision::R20251125, Revision::R20260728];

fn crossings() -> impl Iterator<Item = Crossing> {
    REVISIONS.into_iter().flat_map(|client| REVISIONS.into_iter().map(move |upstream| Crossing { client, upstream }))
}

/// A request that goes upstream is a message that we would accept, with the metadata of the upstream's era and the agent's arguments.
fn cross_requests(body: &Bytes, envelope: &Envelope) {
    if envelope.shape != Shape::Request {
        return;
    }
    let bare = Outbound { id: b"7", name: None, progress_token: None, traceparent: None, client_info: None };
    let full = Outbound {
        name: Some("own\"name"),
        progress_token: Some(b"8"),
        traceparent: Some("00-0"),
        client_info: Some(b"{}"),
        ..bare
    };
    for crossing in crossings() {
        for outbound in [bare, full] {
            let sent = cross::request(body, envelope, crossing, &outbound);
            let again = scan(&sent).expect("a message");
            assert_eq!(again.id.map(|id| bytes_of(&sent, id)), Some(&b"7"[..]));
            let meta = again.meta.unwrap_or_default();
            let modern = crossing.upstream == Revision::R20260728;
            assert_eq!(
                meta.protocol_version.map(|text| text.decode(&sent).into_owned()),
                modern.then(|| "2026-07-28".to_owned())
            );
            assert_eq!(
                meta.client_capabilities.map(|member| bytes_of(&sent, member.value)),
                modern.then_some(&b"{}"[..])
            );
            assert_eq!(meta.progress_token.map(|member| bytes_of(&sent, member.value)), outbound.progress_token);
            let arguments = |body: &[u8], found: &Envelope| found.arguments.map(|span| bytes_of(body, span).to_vec());
            assert_eq!(arguments(&sent, &again), arguments(body, envelope));
        }
    }
}

/// An answer that is accepted stays one on its way to an agent, under the agent's id.
fn answers(body: &Bytes) {
    let Ok(envelope) = scan_response(body) else { return };
    json(body);
    if envelope.shape != Shape::Response {
        return;
    }
    for crossing in crossings() {
        let sent = cross::response(body, &envelope, crossing, b"\"agent\"");
        let again = scan_response(&sent).expect("an answer");
        assert_eq!(again.id.map(|id| bytes_of(&sent, id)), Some(&b"\"agent\""[..]));
        assert_eq!(again.error.is_some(), envelope.error.is_some());
        let result = again.result.unwrap_or_default();
        let modern = crossing.client == Revision::R20260728 && again.result.is_some();
        assert_eq!((result.result_type.is_some(), result.server_info.is_some()), (modern, modern));
    }
}
