//! Why a server could not be verified: a reason for conditions and a sentence for people, which never holds an address or the server's words.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use crate::upstream::UpstreamError;

/// Why an examination failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Fault {
    /// The kind.
    pub reason: Reason,
    /// What happened, and what could be done about it.
    pub message: Cow<'static, str>,
}

/// `Report.reason` of a server that is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No connection, or no useful answer over it.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// It wants credentials, or others than it was given.
    Unauthorized,
    /// It speaks no MCP that we speak, or speaks it wrongly.
    ProtocolError,
    /// Nothing is ready behind it.
    NoEndpoints,
    /// Its list is larger than any that is served.
    ListTooLarge,
}

impl Reason {
    /// The word in reports and conditions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::Unauthorized => "Unauthorized",
            Self::ProtocolError => "ProtocolError",
            Self::NoEndpoints => "NoEndpoints",
            Self::ListTooLarge => "ListTooLarge",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Fault {
    pub(super) fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }

    pub(super) fn protocol(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::ProtocolError, message)
    }

    /// What a status says that concludes nothing about the protocol; `None` for one that does.
    pub(super) fn of_status(status: StatusCode) -> Option<Self> {
        match status.as_u16() {
            401 => Some(Self::new(Reason::Unauthorized, "the server asks for credentials (401): see spec.credentials")),
            403 => {
                Some(Self::new(Reason::Unauthorized, "the server refuses the credentials (403): see spec.credentials"))
            }
            code @ (408 | 425 | 429 | 500..) => {
                Some(Self::new(Reason::Unreachable, format!("the server answers with HTTP status {code}")))
            }
            _ => None,
        }
    }
}

impl From<UpstreamError> for Fault {
    fn from(error: UpstreamError) -> Self {
        let reason = match error {
            UpstreamError::NoEndpoint => Reason::NoEndpoints,
            UpstreamError::TimedOut { .. } => Reason::TimedOut,
            UpstreamError::Protocol(_) | UpstreamError::TooLarge => Reason::ProtocolError,
            UpstreamError::Forbidden => {
                return Self::new(
                    Reason::Unreachable,
                    "every address of the server is loopback, private, link-local or metadata: see --allow-upstream",
                );
            }
            UpstreamError::Connect | UpstreamError::Closed { .. } | UpstreamError::Overloaded => Reason::Unreachable,
        };
        Self::new(reason, error.to_string())
    }
}
