//! An answer as far as it must be there before the agent is answered: whole if it is one message, its head if it is a stream.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::mcp::scan_response;
use crate::upstream::{Answer, UpstreamError};

/// What came back from a server.
pub struct Arrival {
    /// The HTTP status.
    pub status: StatusCode,
    /// What it holds.
    pub content: Content,
}

/// The content of an answer.
pub enum Content {
    /// One JSON message.
    Message(Bytes),
    /// Events, still arriving.
    Events(Box<Answer>),
    /// Neither, and so nothing that an agent could be told.
    Other,
}

impl Arrival {
    /// Takes an answer in.
    pub async fn of(answer: Answer) -> Result<Self, UpstreamError> {
        let status = answer.status;
        let kind = answer.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let content = if kind.eq_ignore_ascii_case(b"application/json") {
            Content::Message(answer.body.bytes().await?)
        } else if kind.eq_ignore_ascii_case(b"text/event-stream") && status.is_success() {
            Content::Events(Box::new(answer))
        } else {
            Content::Other
        };
        Ok(Self { status, content })
    }

    /// The code of the error that it is, if it is one.
    pub fn error_code(&self) -> Option<i64> {
        let Content::Message(bytes) = &self.content else { return None };
        scan_response(bytes).ok()?.error?.code
    }

    /// Whether the server wants other credentials than we have.
    pub fn is_refusal(&self) -> bool {
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&self.status)
    }
}
