//! The stream that an older client may open by GET. Nothing of this endpoint is announced on it yet but that it lives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::body::Body;
use super::context::now;
use super::exchange::Exchange;
use super::message;
use super::presented::OpenSession;
use super::refusal::Refusal;
use super::vigil::Vigil;
use crate::drain::{Phase, Signal};
use crate::mcp::headers::{self, SESSION_ID};
use crate::mcp::sse::KEEP_ALIVE;
use crate::telemetry::metrics::Counted;

/// Asks proxies on the way to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a GET: an event stream for an older client's session, else 405.
pub fn listen(exchange: &Exchange<'_>) -> Result<Response<Body>, Refusal> {
    if !exchange.headers.contains_key(SESSION_ID) {
        return Err(Refusal::post_only());
    }
    if !headers::accepts(&exchange.headers, b"text/event-stream") {
        return Err(Refusal::not_acceptable());
    }
    let session = OpenSession::open(exchange, message::named_session(&exchange.headers)?, now())?;
    let place = place(exchange).ok_or_else(|| Refusal::unavailable("too many open streams"))?;
    let vigil = Vigil::over(exchange, None, Some(session.fingerprint));
    let heartbeat = exchange.context.limits.heartbeat;
    Ok(response(idle(vigil, exchange.context.drain.clone(), place, heartbeat)))
}

/// A place among the open streams of this gateway.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

/// Takes a place, if there is one.
pub fn place(exchange: &Exchange<'_>) -> Option<Place> {
    let permit = Arc::clone(&exchange.context.streams).try_acquire_owned().ok()?;
    Some(Place { _permit: permit, _counted: exchange.context.telemetry.metrics().stream() })
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

fn idle(vigil: Vigil, drain: Signal, place: Place, heartbeat: Duration) -> impl Stream<Item = Bytes> + Send {
    futures::stream::unfold((vigil, drain, place), move |(mut vigil, drain, place)| async move {
        tokio::select! {
            () = vigil.until_withdrawn() => None,
            () = drain.reached(Phase::Draining) => None,
            () = sleep(heartbeat) => Some((KEEP_ALIVE, (vigil, drain, place))),
        }
    })
}
