//! The two ends of the stream, each with a certificate of its own.

/// Whose certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The operator's, with which it serves the stream.
    Operator,
    /// The gateways', which they share.
    Gateway,
}

impl Role {
    /// The role in a Secret's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gateway => "gateway",
        }
    }
}
