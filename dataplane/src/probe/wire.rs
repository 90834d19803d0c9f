//! The requests of an examination: their headers in either era, their deadlines, and what their answers are.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};

use super::target::{Credential, Target};
use crate::mcp::answer::{ErrorParts, ResultParts};
use crate::mcp::headers::{METHOD, PROTOCOL_VERSION, SESSION_ID};
use crate::mcp::{Revision, Shape, scan_response};
use crate::upstream::ask::{Reply, ask, is_media};
use crate::upstream::{Deadlines, UpstreamError};

/// The id of every request of ours: there is never more than one under way.
pub(super) const ID: &[u8] = b"1";
/// Bytes of one answer, a page of a list included.
pub(super) const ANSWER_BYTES: u64 = 2 * 1024 * 1024;
/// TCP and TLS take no longer, whatever patience the server's answers get.
const CONNECT: Duration = Duration::from_secs(1);

/// How a request says what it is.
pub(super) enum Voice<'a> {
    /// With its own metadata.
    Modern { method: &'static str },
    /// `initialize`: nothing is agreed on yet.
    Opening,
    /// As part of a session, or of what stands for one where the server keeps none.
    Session(&'a Session),
}

/// What `initialize` agreed on.
pub(super) struct Session {
    pub(super) revision: Revision,
    pub(super) id: Option<HeaderValue>,
    /// Where the session is.
    pub(super) endpoint: Arc<str>,
}

/// A response, read as far as needed.
pub(super) enum Said {
    Result {
        object: Bytes,
        parts: ResultParts,
    },
    Error {
        parts: ErrorParts,
    },
    /// No JSON-RPC response at all.
    Nothing,
}

/// Sends one message.
pub(super) async fn post(target: &Target, voice: &Voice<'_>, body: Bytes) -> Result<Reply, UpstreamError> {
    send(target, voice, Method::POST, body).await
}

/// Ends a session; whatever the server says, it was asked to.
pub(super) async fn delete(target: &Target, session: &Session) {
    if session.id.is_some() {
        // A refusal is allowed (405), and an error of the connection ends the session as well.
        let _ = send(target, &Voice::Session(session), Method::DELETE, Bytes::new()).await;
    }
}

async fn send(target: &Target, voice: &Voice<'_>, method: Method, body: Bytes) -> Result<Reply, UpstreamError> {
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = Uri::from(target.path.clone());
    let headers = request.headers_mut();
    headers.insert(HOST, target.authority.clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("portolan/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    match voice {
        Voice::Modern { method } => {
            headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(Revision::NEWEST.as_str()));
            headers.insert(METHOD, HeaderValue::from_static(method));
        }
        Voice::Opening => {}
        Voice::Session(session) => {
            headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(session.revision.as_str()));
            if let Some(id) = &session.id {
                headers.insert(SESSION_ID, id.clone());
            }
        }
    }
    if let Credential::Header(name, value) = &target.credential {
        headers.insert(name, value.clone());
    }
    let want = match voice {
        Voice::Session(Session { id: Some(_), endpoint, .. }) => Some(&**endpoint),
        _ => None,
    };
    let patience = target.timing.timeout;
    let deadlines =
        Deadlines { connect: patience.min(CONNECT), first_byte: patience, total: patience, answer_bytes: ANSWER_BYTES };
    ask(&target.upstream, target.upstream.background(), want, request, &deadlines).await
}

/// Reads the response out of an answer, with any status.
pub(super) fn read(reply: &Reply) -> Said {
    let is_message = is_media(&reply.headers, b"application/json") || is_media(&reply.headers, b"text/event-stream");
    let Some(message) = is_message.then(|| scan_response(&reply.message).ok()).flatten() else { return Said::Nothing };
    let ours = message.id.is_some_and(|id| id.of(&reply.message) == ID);
    match (message.shape, message.result, message.error) {
        (Shape::Response, Some(parts), _) if ours => {
            Said::Result { object: reply.message.slice(parts.object.range()), parts }
        }
        // A server that could not read the request cannot know its id.
        (Shape::Response, _, Some(parts)) if ours || message.id.is_none() => Said::Error { parts },
        _ => Said::Nothing,
    }
}
