//! What older clients send that is answered on the spot: pings, notifications, answers to requests that we never make.

use http::{Response, StatusCode};

use super::body::Body;
use super::exchange::Exchange;
use super::message::Message;
use super::respond;
use crate::mcp::message as build;

/// The answer to `ping`.
pub fn pong(message: &Message) -> Response<Body> {
    respond::json(StatusCode::OK, build::empty_result(&message.raw_id(), message.era()))
}

/// Takes a notification or an answer: 202, no body. A cancellation finds its call, wherever in this process it runs.
pub fn accept(exchange: &Exchange<'_>, message: &Message) -> Response<Body> {
    if message.is_notification("notifications/cancelled")
        && let (Some(session), Some(id)) = (message.session(), message.cancelled_id())
    {
        exchange.context.cancels.cancel(session.fingerprint, id);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
