//! The stream that an older client may open by GET. Nothing of this endpoint is announced on it yet but that it lives.

use bytes::Bytes;
use futures::Stream;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::body::Body;
use super::context::now;
use super::exchange::Exchange;
use super::message;
use super::refusal::Refusal;
use super::session::OpenSession;
use super::vigil::Vigil;
use crate::drain::{Phase, Signal};
use crate::mcp::headers::{self, SESSION_ID};
use crate::mcp::sse::KEEP_ALIVE;

/// Asks proxies on the way to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a GET: an event stream for an older client's session, else 405.
pub fn listen(exchange: &Exchange<'_>) -> Result<Response<Body>, Refusal> {
    if !exchange.headers.contains_key(SESSION_ID) {
        let refusal = Refusal::http(StatusCode::METHOD_NOT_ALLOWED, "wrong_method");
        return Err(refusal.with_header(ALLOW, "POST"));
    }
    if !headers::accepts(&exchange.headers, b"text/event-stream") {
        return Err(Refusal::not_acceptable());
    }
    let session = OpenSession::open(exchange, message::named_session(&exchange.headers)?, now())?;
    let permit = permit(exchange)?;
    let vigil = Vigil::over(exchange, None, Some(session.fingerprint));
    let heartbeat = exchange.context.limits.heartbeat;
    Ok(response(idle(vigil, exchange.context.drain.clone(), permit, heartbeat)))
}

/// A place among the open streams of this gateway.
pub fn permit(exchange: &Exchange<'_>) -> Result<OwnedSemaphorePermit, Refusal> {
    let streams = std::sync::Arc::clone(&exchange.context.streams);
    streams.try_acquire_owned().map_err(|_| Refusal::unavailable("too many open streams"))
}

/// An answer of events.
pub fn response(events: impl Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let mut response = Response::new(Body::events(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn idle(
    vigil: Vigil,
    drain: Signal,
    permit: OwnedSemaphorePermit,
    heartbeat: std::time::Duration,
) -> impl Stream<Item = Bytes> + Send {
    futures::stream::unfold((vigil, drain, permit), move |(mut vigil, drain, permit)| async move {
        tokio::select! {
            () = vigil.until_withdrawn() => None,
            () = drain.reached(Phase::Draining) => None,
            () = sleep(heartbeat) => Some((KEEP_ALIVE, (vigil, drain, permit))),
        }
    })
}
