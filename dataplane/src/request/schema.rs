//! The mirrored arguments of a tool as its server defines them now: asked for in the middle of a call whose headers the server does not take.
//!
//! Asked once for all calls that need to know at the same time, and again after a few seconds at the earliest. It must never change what is
//! listed: that is the prober's business, and it is told.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::Exchange;
use super::forward::{self, Forward};
use crate::mcp::definition::Definition;
use crate::mcp::listing::Listed;
use crate::mcp::param::ParamHeader;
use crate::mcp::revision::Era;
use crate::mcp::{headers, message as build, scan_response};
use crate::snapshot::schemas::Headers;
use crate::upstream::{Deadlines, ask};

/// How long an answer counts as the present.
const PRESENT: Duration = Duration::from_secs(5);
/// How long all pages together may take: an agent waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pages that are looked through.
const PAGES: usize = 64;
/// The headers that a tool's schema asks for now.
pub async fn present(exchange: &Exchange<'_>, forward: &Forward, own: &Arc<str>) -> Option<Headers> {
    let server = &forward.server;
    server.upstream.doubt();
    let moment = exchange.context.monotonic() / u64::try_from(PRESENT.as_nanos()).unwrap_or(u64::MAX);
    let asked = async { tokio::time::timeout(PATIENCE, find(exchange, forward, own)).await.ok().flatten() };
    server.schemas.at(own, moment, asked).await
}

async fn find(exchange: &Exchange<'_>, forward: &Forward, own: &str) -> Option<Headers> {
    let mut cursor = None;
    for _ in 0..PAGES {
        let listed = page(exchange, forward, cursor.as_deref()).await?;
        let mut definitions = listed.tools.iter().filter_map(|tool| Definition::parse(tool).ok());
        if let Some(definition) = definitions.find(|definition| definition.name() == own) {
            return Some(ParamHeader::of_schema(definition.input_schema()).ok()?.into());
        }
        cursor = Some(listed.next_cursor?);
    }
    None
}

async fn page(exchange: &Exchange<'_>, forward: &Forward, cursor: Option<&str>) -> Option<Listed> {
    let id = exchange.context.next_id().to_string();
    let body = build::tools_list_request(id.as_bytes(), Era::Modern, cursor);
    let mut request = forward::plain(&forward.server, None, &exchange.trace, body);
    headers::mirror(request.headers_mut(), forward.revision, "tools/list", None);
    let limits = &exchange.context.limits;
    let deadlines = Deadlines {
        connect: limits.upstream_connect,
        first_byte: PATIENCE,
        total: PATIENCE,
        answer_bytes: limits.response_bytes,
    };
    let reply = ask::ask(&forward.server.upstream, exchange.worker, None, request, &deadlines).await.ok()?;
    let result = scan_response(&reply.message).ok()?.result?;
    Listed::parse(&reply.message.slice(result.object.range()))
}
