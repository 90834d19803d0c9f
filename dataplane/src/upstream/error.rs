//! What can go wrong between this gateway and a server. Texts never hold an address or the server's own words.

use std::fmt;

/// Why a request got no (complete) answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No endpoint is ready, or the endpoint that a session is bound to is gone.
    #[error("no endpoint is ready")]
    NoEndpoint,
    /// The connection could not be made, or could not be made a moment ago.
    #[error("the connection could not be made")]
    Connect,
    /// A phase took longer than its deadline.
    #[error("{phase} took too long")]
    TimedOut {
        /// The phase that was too slow.
        phase: Phase,
    },
    /// The connection ended early.
    #[error("the connection was closed")]
    Closed {
        /// Whether the server may have seen any of the request.
        sent: bool,
    },
    /// Every address of the server is one that may not be dialled.
    #[error("the address may not be dialled")]
    Forbidden,
    /// As many requests as the server may have at once are under way.
    #[error("too many requests at once")]
    Overloaded,
    /// The answer's body is larger than the caller allows.
    #[error("the answer is larger than its bound")]
    TooLarge,
    /// The answer breaks HTTP, or what this gateway accepts of it.
    #[error("{0}")]
    Protocol(&'static str),
}

impl UpstreamError {
    /// One word for metrics, audit lines and logs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::Connect => "connect",
            Self::TimedOut { .. } => "timed_out",
            Self::Closed { .. } => "closed",
            Self::Forbidden => "forbidden",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::Protocol(_) => "protocol",
        }
    }

    /// True where the server cannot have run the request, whatever its method.
    #[must_use]
    pub fn safe_to_retry(&self) -> bool {
        match self {
            Self::NoEndpoint | Self::Connect | Self::Forbidden | Self::Overloaded => true,
            Self::TimedOut { phase } => *phase == Phase::Connect,
            Self::Closed { sent } => !sent,
            Self::TooLarge | Self::Protocol(_) => false,
        }
    }
}

/// The phases that have a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Name resolution, TCP and TLS.
    Connect,
    /// From the request being handed to the connection to the head of the answer.
    FirstByte,
    /// The whole exchange, to the last byte of the answer.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "the answer's first byte",
            Self::Total => "the answer",
        })
    }
}
