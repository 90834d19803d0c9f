//! Phase 4: the body, read whole and scanned once, and what it is: of which revision, in which session.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;

use super::context::now;
use super::exchange::Exchange;
use super::intake;
use super::presented::OpenSession;
use super::refusal::Refusal;
use crate::mcp::classify::{self, Inbound as Sorted};
use crate::mcp::envelope::{Envelope, scan};
use crate::mcp::error;
use crate::mcp::headers::{self, HeaderFault};
use crate::mcp::revision::{Era, Revision};
use crate::mcp::span::Member;

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A request of a client that has spoken before, or of one that needs no introduction.
    Request,
    /// The first request of an older client.
    Initialize,
    /// Something that wants no answer.
    Notification,
    /// An answer to a request of a server.
    ClientResponse,
}

/// A message of an agent, with the very bytes that are judged and go on.
pub struct Message {
    /// The body.
    pub bytes: Bytes,
    /// Where its parts are.
    pub envelope: Envelope,
    /// What it asks for.
    pub inbound: Inbound,
    pub(super) revision: Revision,
    pub(super) session: Option<OpenSession>,
}

/// Reads, scans and sorts a POST.
pub async fn read(exchange: &Exchange<'_>, incoming: Incoming) -> Result<Message, Refusal> {
    headers::post_media(&exchange.headers).map_err(|fault| faulty(&fault, None))?;
    if exchange.headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::wrong_media_type());
    }
    let limits = &exchange.context.limits;
    let bound = exchange.request_bytes().unwrap_or(limits.request_bytes);
    let bytes = intake::read(incoming, bound, limits.body).await?;
    let envelope = scan(&bytes).map_err(|fault| {
        let id = fault.id.map(|id| bytes.slice(id.range()));
        Refusal::rpc(StatusCode::BAD_REQUEST, "malformed", id, fault.code, fault.message)
    })?;
    sort(exchange, &bytes, envelope).map_err(|refusal| refusal.for_id(envelope.id.map(|id| bytes.slice(id.range()))))
}

fn sort(exchange: &Exchange<'_>, bytes: &Bytes, envelope: Envelope) -> Result<Message, Refusal> {
    let sorted = classify::classify(&exchange.headers, bytes, &envelope).map_err(|fault| faulty(&fault, None))?;
    let message = |inbound, revision, session| Message { bytes: bytes.clone(), envelope, inbound, revision, session };
    match sorted {
        Sorted::Modern { revision } => {
            headers::mirrored(&exchange.headers, bytes, &envelope).map_err(|fault| faulty(&fault, None))?;
            Ok(message(Inbound::Request, revision, None))
        }
        Sorted::LegacyInitialize { revision } => Ok(message(Inbound::Initialize, revision, None)),
        Sorted::LegacyRequest { session, revision } => {
            let session = required(exchange, session, revision)?;
            Ok(message(Inbound::Request, session.contents.revision, Some(session)))
        }
        Sorted::ClientResponse { session, revision } => {
            let session = required(exchange, Some(session), revision)?;
            Ok(message(Inbound::ClientResponse, session.contents.revision, Some(session)))
        }
        Sorted::Notification { revision: Some(revision), .. } if revision.era() == Era::Modern => {
            Ok(message(Inbound::Notification, revision, None))
        }
        Sorted::Notification { session, revision } => {
            let session = required(exchange, session, revision)?;
            Ok(message(Inbound::Notification, session.contents.revision, Some(session)))
        }
    }
}

/// The session of a legacy message: without one there is nothing to go by.
fn required(exchange: &Exchange<'_>, named: Option<&str>, revision: Option<Revision>) -> Result<OpenSession, Refusal> {
    let Some(text) = named else {
        return Err(Refusal::rpc(
            StatusCode::BAD_REQUEST,
            "session_required",
            None,
            error::INVALID_REQUEST,
            "a session is required: send initialize first, then its Mcp-Session-Id",
        ));
    };
    let session = OpenSession::open(exchange, text, now())?;
    if revision.is_some_and(|revision| revision != session.contents.revision) {
        return Err(Refusal::rpc(
            StatusCode::BAD_REQUEST,
            "revision_mismatch",
            None,
            error::INVALID_REQUEST,
            "MCP-Protocol-Version is not the session's",
        ));
    }
    Ok(session)
}

/// The refusal of a faulty header.
pub fn faulty(fault: &HeaderFault, id: Option<Bytes>) -> Refusal {
    match fault {
        HeaderFault::MediaType => Refusal::wrong_media_type(),
        HeaderFault::NotAcceptable => Refusal::not_acceptable(),
        _ => {
            let refusal = Refusal::rpc(fault.status(), "bad_header", id, fault.code(), fault.message());
            match fault.data() {
                Some(data) => refusal.with_data(data),
                None => refusal,
            }
        }
    }
}

impl Message {
    /// The id as it was written; `None` for what has none.
    pub fn id(&self) -> Option<Bytes> {
        self.envelope.id.map(|id| self.bytes.slice(id.range()))
    }

    /// The id as it was written, `null` for what has none.
    pub fn raw_id(&self) -> Bytes {
        self.id().unwrap_or(Bytes::from_static(b"null"))
    }

    /// The method.
    pub fn method(&self) -> Cow<'_, str> {
        self.envelope.method.map(|method| method.decode(&self.bytes)).unwrap_or_default()
    }

    /// The name of what is called.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        self.envelope.name.map(|name| name.decode(&self.bytes))
    }

    /// Where a list goes on.
    pub fn cursor(&self) -> Option<Cow<'_, str>> {
        self.envelope.cursor.map(|cursor| cursor.decode(&self.bytes))
    }

    /// The arguments, as they were written.
    pub fn arguments(&self) -> Option<&[u8]> {
        self.envelope.arguments.map(|arguments| arguments.of(&self.bytes))
    }

    /// `clientInfo` of `initialize`, as it was written.
    pub fn client_info(&self) -> Option<Bytes> {
        self.envelope.client_info.map(|info| self.bytes.slice(info.range()))
    }

    /// The progress token, as it was written.
    pub fn progress_token(&self) -> Option<Bytes> {
        let token = self.envelope.meta.and_then(|meta| meta.progress_token)?;
        Some(self.bytes.slice(token.value.range()))
    }

    /// `traceparent` and `tracestate` of the metadata. An escape has no place in either, so that nothing is unescaped.
    pub fn trace_context(&self) -> Option<(&str, Option<&str>)> {
        let meta = self.envelope.meta?;
        let text = |member: Member| serde_json::from_slice(member.value.of(&self.bytes)).ok();
        Some((text(meta.traceparent?)?, meta.tracestate.and_then(text)))
    }

    /// What a modern agent declares that it can do, as it was written.
    pub fn capabilities(&self) -> Option<Bytes> {
        let capabilities = self.envelope.meta?.client_capabilities.filter(|_| self.is_modern())?;
        Some(self.bytes.slice(capabilities.value.range()))
    }

    /// Whether the metadata names a trace.
    pub fn names_trace(&self) -> bool {
        self.envelope.meta.is_some_and(|meta| meta.traceparent.is_some())
    }

    /// The request that a cancellation names, as it was written.
    pub fn cancelled_id(&self) -> Option<Bytes> {
        self.envelope.request_id.map(|id| self.bytes.slice(id.range()))
    }

    /// The revision that the agent speaks.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Its era.
    pub fn era(&self) -> Era {
        self.revision.era()
    }

    /// Whether the message carries its own metadata.
    pub fn is_modern(&self) -> bool {
        self.era() == Era::Modern
    }

    /// The older client's session.
    pub fn session(&self) -> Option<&OpenSession> {
        self.session.as_ref()
    }

    /// Whether it is this notification.
    pub fn is_notification(&self, method: &str) -> bool {
        self.inbound == Inbound::Notification && self.method() == method
    }

    /// A method that this endpoint does not have: 404 for modern clients; for older ones 404 would mean a lost session.
    pub fn unknown_method(&self) -> Refusal {
        let status = if self.is_modern() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        Refusal::rpc(status, "unknown_method", self.id(), error::METHOD_NOT_FOUND, "method not found")
    }
}

/// The one session header of a request without a body.
pub fn named_session(headers: &HeaderMap) -> Result<&str, Refusal> {
    classify::session(headers)
        .map_err(|fault| faulty(&fault, None))?
        .ok_or_else(|| Refusal::http(StatusCode::BAD_REQUEST, "session_required"))
}
