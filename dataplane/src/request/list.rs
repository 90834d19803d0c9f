//! `tools/list`: pages of what a principal may see, rendered when the snapshot was made. No upstream is asked.

use http::{Response, StatusCode};

use super::body::Body;
use super::context::now_ms;
use super::exchange::Exchange;
use super::message::Message;
use super::refusal::Refusal;
use super::respond;
use super::visibility::VisibilityCache;
use crate::mcp::cursor::Cursor;
use crate::mcp::message::CacheHints;
use crate::mcp::{error, message as build, page};

/// What an agent sees depends on who it is, and an edit is in force at once: nothing is to be kept.
pub const HINTS: CacheHints = CacheHints { ttl_ms: 0, public: false };

/// One page.
pub async fn list(exchange: &Exchange<'_>, message: &Message) -> Result<Response<Body>, Refusal> {
    let route = &exchange.route;
    let expired = route.expired(now_ms());
    if route.all_or_nothing && (expired != 0 || !route.complete()) {
        let text = "a server of this endpoint does not answer, and the endpoint is declared to list all or nothing";
        return Err(Refusal::rpc(StatusCode::OK, "incomplete", None, error::INTERNAL_ERROR, text));
    }
    let start = start(exchange, message)?;
    let visible = VisibilityCache::view(route, &exchange.identity, expired).await;
    let tools = route.tools.all();
    let limits = page::Limits { count: exchange.context.limits.page_tools, bytes: exchange.context.limits.page_bytes };
    let shown = (start..tools.len()).filter(|index| visible.contains(*index));
    let page = page::render(shown.map(|index| (index, &tools[index].rendered)), limits);
    let principal = exchange.identity.key();
    let next = page.next.map(|offset| {
        Cursor { offset, catalogue: route.tools.digest() }.seal(&exchange.context.ring, &exchange.binding(&principal))
    });
    let body = build::tools_list_result(&message.raw_id(), message.era(), &page.tools, next.as_deref(), HINTS);
    Ok(respond::json(StatusCode::OK, body))
}

/// Where the page begins. A cursor of another principal, route or set of tools is none.
fn start(exchange: &Exchange<'_>, message: &Message) -> Result<usize, Refusal> {
    let Some(text) = message.cursor() else { return Ok(0) };
    let principal = exchange.identity.key();
    let cursor = Cursor::open(&exchange.context.ring, &exchange.binding(&principal), &text).ok();
    let cursor = cursor.filter(|cursor| cursor.catalogue == exchange.route.tools.digest());
    cursor.map(|cursor| cursor.offset as usize).ok_or_else(|| {
        Refusal::rpc(StatusCode::OK, "bad_cursor", None, error::INVALID_PARAMS, "the cursor is not valid: list again from the start")
    })
}
