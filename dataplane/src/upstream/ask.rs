//! One question of the gateway's own to a server, and its one answer, whichever way it comes: JSON or an event stream.
//! It never acts on what else a stream brings.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};

use super::answer::Answer;
use super::error::UpstreamError;
use super::{Deadlines, Upstream};
use crate::mcp::sse::Parser;
use crate::mcp::{Shape, scan_response};

/// An answer with the one message that it held.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// Header fields as the server sent them.
    pub headers: HeaderMap,
    /// The response out of an event stream, or the whole body of anything else.
    pub message: Bytes,
    /// Who answered.
    pub endpoint: Arc<str>,
}

/// Sends a request and waits for the whole message that answers it.
///
/// # Errors
/// Those of [`Upstream::send`]; a stream that ends without an answer is a protocol error.
pub async fn ask(
    upstream: &Upstream,
    worker: usize,
    want: Option<&str>,
    request: Request<Bytes>,
    deadlines: &Deadlines,
) -> Result<Reply, UpstreamError> {
    let Answer { status, headers, body, endpoint } = upstream.send(worker, want, request, deadlines).await?;
    let message = if is_media(&headers, b"text/event-stream") {
        first_response(body, deadlines.answer_bytes).await?
    } else {
        body.bytes().await?
    };
    Ok(Reply { status, headers, message, endpoint })
}

/// Whether the content type, its parameters aside, is `wanted`.
#[must_use]
pub fn is_media(headers: &HeaderMap, wanted: &[u8]) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let media = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        media.trim_ascii().eq_ignore_ascii_case(wanted)
    })
}

async fn first_response(mut body: super::AnswerBody, bound: u64) -> Result<Bytes, UpstreamError> {
    let mut parser = Parser::new(usize::try_from(bound).unwrap_or(usize::MAX));
    while let Some(chunk) = body.chunk().await? {
        parser.push(chunk);
        while let Some(event) = parser.event().map_err(|_| UpstreamError::TooLarge)? {
            if scan_response(&event.data).is_ok_and(|message| message.shape == Shape::Response) {
                return Ok(event.data);
            }
        }
    }
    Err(UpstreamError::Protocol("the stream ended without an answer"))
}
