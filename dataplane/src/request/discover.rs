//! `server/discover`: answered from the snapshot, for the whole endpoint. What is advertised is what is served.

use http::{Response, StatusCode};

use super::body::Body;
use super::exchange::Exchange;
use super::list::HINTS;
use super::message::Message;
use super::respond;
use crate::mcp::message as build;

/// Longest instructions that are passed on to models; more is cut at a server's end.
const INSTRUCTIONS: usize = 16 << 10;

/// The endpoint's versions, capabilities and instructions.
pub fn discover(exchange: &Exchange<'_>, message: &Message) -> Response<Body> {
    let instructions = instructions(exchange);
    let body = build::discover_result(&message.raw_id(), instructions.as_deref(), HINTS);
    respond::json(StatusCode::OK, body)
}

/// The servers' instructions under a heading each, as far as they fit. They are words for a model, from servers that nobody vouches for.
pub fn instructions(exchange: &Exchange<'_>) -> Option<String> {
    let mut text = String::new();
    for entry in &exchange.route.servers {
        let facts = entry.server.as_ref().filter(|server| !server.closed).and_then(|server| server.facts.as_ref());
        let Some(words) = facts.map(|facts| facts.instructions.trim()).filter(|words| !words.is_empty()) else {
            continue;
        };
        if text.len() + words.len() > INSTRUCTIONS {
            break;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&format!("# {}\n{words}", entry.entry));
    }
    (!text.is_empty()).then_some(text)
}
