//! Refusals that the protocol defines for what is said around a message, each with its status and code (2026-07-28, Streamable HTTP).

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

use crate::mcp::envelope::key;
use crate::mcp::error::{self, HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, UNSUPPORTED_VERSION};
use crate::mcp::json::write_string;
use crate::mcp::revision::SUPPORTED;

/// Why a message is refused before its method is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// The body is not said to be JSON.
    MediaType,
    /// The sender does not take JSON and event streams.
    NotAcceptable,
    /// A header is absent, malformed, doubled, or differs from the body.
    Mismatch(Cow<'static, str>),
    /// The revision is not spoken here.
    UnsupportedVersion {
        /// What was asked for.
        requested: String,
    },
    /// A modern request without metadata that it must have.
    MissingMeta {
        /// Whether `protocolVersion` is missing too, not only `clientCapabilities`.
        version: bool,
    },
    /// Not a message that may be sent here now: a batch, or a response without a session.
    NotAllowed(&'static str),
}

impl HeaderFault {
    pub(crate) fn mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Mismatch(message.into())
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The JSON-RPC code.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::MediaType | Self::NotAcceptable | Self::NotAllowed(_) => INVALID_REQUEST,
            Self::Mismatch(_) => HEADER_MISMATCH,
            Self::UnsupportedVersion { .. } => UNSUPPORTED_VERSION,
            Self::MissingMeta { .. } => INVALID_PARAMS,
        }
    }

    /// What to tell the sender.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::MediaType => "the body must be application/json".into(),
            Self::NotAcceptable => "Accept must admit application/json and text/event-stream".into(),
            Self::Mismatch(message) => message.clone(),
            Self::UnsupportedVersion { .. } => "unsupported protocol version".into(),
            Self::MissingMeta { version: true } => {
                format!("params._meta lacks {} and {}", key::PROTOCOL_VERSION, key::CLIENT_CAPABILITIES).into()
            }
            Self::MissingMeta { version: false } => format!("params._meta lacks {}", key::CLIENT_CAPABILITIES).into(),
            Self::NotAllowed(message) => (*message).into(),
        }
    }

    /// The error's `data`, JSON.
    #[must_use]
    pub fn data(&self) -> Option<Vec<u8>> {
        let Self::UnsupportedVersion { requested } = self else { return None };
        let names: Vec<_> = SUPPORTED.iter().map(|revision| format!("\"{revision}\"")).collect();
        let mut data = format!(r#"{{"supported":[{}],"requested":"#, names.join(",")).into_bytes();
        write_string(&mut data, requested);
        data.push(b'}');
        Some(data)
    }

    /// The JSON-RPC error response; `id` as sent.
    #[must_use]
    pub fn render(&self, id: Option<&[u8]>) -> Bytes {
        error::render(id, self.code(), &self.message(), self.data().as_deref())
    }
}
