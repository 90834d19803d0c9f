//! One question of our own to a server, and its one answer, whichever way it comes.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};

use crate::mcp::answer::scan_response;
use crate::mcp::envelope::Shape;
use crate::mcp::sse::Parser;
use crate::upstream::{Answer, Deadlines, Upstream, UpstreamError};

/// An answer with the one message that it held.
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The message.
    pub message: Bytes,
    /// Who answered.
    pub endpoint: Arc<str>,
}

/// Sends a request and reads the response to it out of JSON or an event stream.
pub async fn ask(
    upstream: &Upstream,
    worker: usize,
    want: Option<&str>,
    request: Request<Bytes>,
    deadlines: &Deadlines,
) -> Result<Reply, UpstreamError> {
    let answer = upstream.send(worker, want, request, deadlines).await?;
    let (status, headers, endpoint) = (answer.status, answer.headers.clone(), Arc::clone(&answer.endpoint));
    let events = headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
    let message =
        if events { first_response(answer, deadlines.answer_bytes).await? } else { answer.body.bytes().await? };
    Ok(Reply { status, headers, message, endpoint })
}

async fn first_response(mut answer: Answer, bound: u64) -> Result<Bytes, UpstreamError> {
    let mut parser = Parser::new(usize::try_from(bound).unwrap_or(usize::MAX));
    while let Some(chunk) = answer.body.chunk().await? {
        parser.push(chunk);
        while let Some(event) = parser.event().map_err(|_| UpstreamError::TooLarge)? {
            if scan_response(&event.data).is_ok_and(|message| message.shape == Shape::Response) {
                return Ok(event.data);
            }
        }
    }
    Err(UpstreamError::Protocol("the stream ended without an answer"))
}
