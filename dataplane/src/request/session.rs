//! Older clients' sessions: opened with their servers' at `initialize`, sealed into their own id, and ended everywhere by `DELETE`.
//!
//! A session is no authentication: it is good only for the principal and the route that it was made for, and every request is authenticated anew.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;

use super::body::Body;
use super::context::now;
use super::discover;
use super::exchange::Exchange;
use super::forward;
use super::message::{self, Message};
use super::presented::OpenSession;
use super::refusal::Refusal;
use super::respond;
use crate::mcp::headers::{self, SESSION_ID};
use crate::mcp::message as build;
use crate::mcp::revision::{Era, Revision};
use crate::mcp::session::{self, Session, UpstreamSession};
use crate::snapshot::Server;
use crate::snapshot::sessions::Opened;
use crate::upstream::{Deadlines, UpstreamError, ask};

/// How long the servers of a route together may take to open their sessions; who is later is absent from this one.
const OPENING: Duration = Duration::from_secs(1);
/// Servers that one session may hold sessions on: their ids travel in ours, and heads are bounded.
const MOST_UPSTREAMS: usize = 32;
/// Longest id of a server's session that is kept, for the same reason; they are UUIDs as a rule.
const UPSTREAM_ID: usize = 256;

/// Answers `initialize`: opens the servers' sessions, all at once, and seals them.
pub async fn initialize(exchange: &Exchange<'_>, message: &Message) -> Result<Response<Body>, Refusal> {
    let revision = message.revision();
    let info = message.client_info().filter(|info| info.len() <= session::MAX_CLIENT_INFO);
    let servers = exchange.route.servers.iter().filter_map(|entry| entry.server.as_ref());
    let stateful = servers.filter(|server| wants_session(server, revision)).take(MOST_UPSTREAMS);
    let opening = stateful.map(|server| {
        let spoken = server.facts.as_ref().map_or(revision, |facts| facts.speak(revision));
        let opening = tokio::time::timeout(OPENING, open_upstream(exchange, server, spoken, info.as_deref()));
        async move { (server, opening.await) }
    });
    let now = now();
    let mut contents = Session {
        revision,
        issued: now,
        expires: now + exchange.context.limits.session.as_secs(),
        client_info: info.clone(),
        upstreams: Vec::new(),
        absent: Vec::new(),
    };
    for (server, outcome) in join_all(opening).await {
        match outcome {
            Ok(Ok(opened)) if opened.id.is_none() => {}
            Ok(Ok(opened)) => match kept(server, &opened) {
                Some(kept) => contents.upstreams.push(kept),
                None => contents.absent.push(server.name.to_string()),
            },
            _ => contents.absent.push(server.name.to_string()),
        }
    }
    let id = contents.seal(&exchange.context.ring.current(), &exchange.binding());
    let instructions = discover::instructions(exchange);
    let body = build::initialize_result(&message.raw_id(), revision, instructions.as_deref());
    // Of several gateways none knows what agents do on the others, so each loss ends the agent's session.
    if exchange.snapshot.pods == 1 {
        let opened = |server: &&Arc<Server>| contents.upstreams.iter().any(|kept| kept.server == server.name.as_str());
        let servers = exchange.route.servers.iter().filter_map(|entry| entry.server.as_ref()).filter(opened);
        servers.for_each(|server| server.legacy.begun(session::fingerprint(&id)));
    }
    let mut response = respond::json(StatusCode::OK, body);
    let id = HeaderValue::from_str(&id).map_err(|_| Refusal::unavailable("no session can be made now"))?;
    response.headers_mut().insert(SESSION_ID, id);
    Ok(response)
}

fn wants_session(server: &Server, revision: Revision) -> bool {
    let legacy = server.facts.as_ref().is_some_and(|facts| facts.speak(revision).era() == Era::Legacy);
    legacy && server.keeps_sessions() && !server.closed && server.credential.is_ok()
}

fn kept(server: &Server, opened: &Opened) -> Option<UpstreamSession> {
    let id = opened.id.as_ref()?.to_str().ok().filter(|id| id.len() <= UPSTREAM_ID)?;
    Some(UpstreamSession {
        server: server.name.to_string(),
        endpoint: opened.endpoint.clone(),
        id: id.to_owned(),
        revision: opened.revision,
    })
}

/// Opens a session on one server: `initialize`, then `notifications/initialized`.
pub async fn open_upstream(
    exchange: &Exchange<'_>,
    server: &Server,
    revision: Revision,
    client_info: Option<&[u8]>,
) -> Result<Opened, UpstreamError> {
    let id = exchange.context.next_id().to_string();
    let deadlines = deadlines(exchange);
    let body = build::initialize_request(id.as_bytes(), revision, client_info);
    let request = forward::plain(server, None, &exchange.trace, body);
    let reply = ask::ask(&server.upstream, exchange.worker, None, request, &deadlines).await?;
    if !reply.status.is_success() {
        return Err(UpstreamError::Protocol("the server refused to begin a session"));
    }
    let agreed = agreed(&reply.message).ok_or(UpstreamError::Protocol("no revision was agreed on"))?;
    let id = if server.keeps_sessions() { reply.headers.get(SESSION_ID).cloned() } else { None };
    let opened = Opened { id, endpoint: reply.endpoint.to_string(), revision: agreed };
    let mut request = forward::plain(server, Some(&opened), &exchange.trace, build::initialized());
    headers::mirror(request.headers_mut(), agreed, "notifications/initialized", None);
    let want = opened.id.as_ref().map(|_| opened.endpoint.as_str());
    server.upstream.send(exchange.worker, want, request, &deadlines).await?.body.bytes().await?;
    Ok(opened)
}

/// The revision that an answer to `initialize` settles.
fn agreed(message: &[u8]) -> Option<Revision> {
    #[derive(Deserialize)]
    struct Answer {
        result: Settled,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Settled {
        protocol_version: String,
    }
    let answer: Answer = serde_json::from_slice(message).ok()?;
    answer.result.protocol_version.parse().ok()
}

fn deadlines(exchange: &Exchange<'_>) -> Deadlines {
    let limits = &exchange.context.limits;
    Deadlines {
        connect: limits.upstream_connect,
        first_byte: limits.upstream_first_byte,
        total: limits.upstream_first_byte,
        answer_bytes: limits.response_bytes,
    }
}

/// Ends a session: here and on every gateway at once, and on its servers in the background.
pub fn end(exchange: &Exchange<'_>) -> Result<Response<Body>, Refusal> {
    if !exchange.headers.contains_key(SESSION_ID) {
        return Err(Refusal::post_only());
    }
    let text = message::named_session(&exchange.headers)?;
    let session = OpenSession::open(exchange, text, now())?;
    exchange.context.end_session(session.fingerprint, session.contents.expires);
    let servers = exchange.route.servers.iter().filter_map(|entry| entry.server.as_ref());
    for server in servers {
        if let Ok(Some(opened)) = session.upstream(server) {
            close_upstream(exchange, server, &opened);
        }
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn close_upstream(exchange: &Exchange<'_>, server: &Arc<Server>, opened: &Opened) {
    let mut request = forward::plain(server, Some(opened), &exchange.trace, bytes::Bytes::new());
    *request.method_mut() = Method::DELETE;
    request.headers_mut().remove(http::header::CONTENT_TYPE);
    headers::mirror(request.headers_mut(), opened.revision, "", None);
    let (server, endpoint, worker) = (Arc::clone(server), opened.endpoint.clone(), exchange.worker);
    let deadlines = deadlines(exchange);
    tokio::spawn(async move {
        // Best effort: a server that misses it ends the session by its own clock.
        let _ = server.upstream.send(worker, Some(&endpoint), request, &deadlines).await;
    });
}

#[cfg(test)]
mod tests;
