//! `tools/list`: pages of what a principal may see, rendered when the snapshot was made. No upstream is asked.

use http::{Response, StatusCode};

use super::body::Body;
use super::context::now_ms;
use super::exchange::Exchange;
use super::message::Message;
use super::pages::Asked;
use super::refusal::Refusal;
use super::respond;
use crate::mcp::cursor::Cursor;
use crate::mcp::message::CacheHints;
use crate::mcp::page::PageLimits;
use crate::mcp::{error, message as build};
use crate::snapshot::visibility::VisibilityCache;

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
    let limits = PageLimits { count: exchange.context.limits.page_tools, bytes: exchange.context.limits.page_bytes };
    let asked = Asked { era: message.era(), start, visible };
    let page = exchange.context.pages.page(&route.tools, asked, limits);
    let next = page.next.map(|offset| {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        Cursor { offset, catalogue: route.tools.digest() }.seal(&exchange.context.ring.current(), &exchange.binding())
    });
    let head = build::tools_list_head(&message.raw_id(), message.era(), next.as_deref(), HINTS);
    Ok(respond::json_body(StatusCode::OK, Body::parts(head, page.tail)))
}

/// Where the page begins. A cursor of another principal, route or set of tools is none.
fn start(exchange: &Exchange<'_>, message: &Message) -> Result<usize, Refusal> {
    let Some(text) = message.cursor() else { return Ok(0) };
    let cursor = Cursor::open(&exchange.context.ring.current(), &exchange.binding(), &text).ok();
    let cursor = cursor.filter(|cursor| cursor.catalogue == exchange.route.tools.digest());
    cursor.map(|cursor| cursor.offset as usize).ok_or_else(|| {
        Refusal::rpc(
            StatusCode::OK,
            "bad_cursor",
            None,
            error::INVALID_PARAMS,
            "the cursor is not valid: list again from the start",
        )
    })
}
