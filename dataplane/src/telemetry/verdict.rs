//! What is decided about a request, as metrics and audit lines say it.

/// What was decided about a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Let through.
    #[default]
    Allow,
    /// Let through; a policy in mode Audit would have denied it.
    WouldDeny,
    /// Let through; a policy in mode Audit would have limited it.
    WouldLimit,
    /// A policy denied it.
    Deny,
    /// It went over a rate limit.
    Limited,
    /// No token, or a bad one.
    Unauthenticated,
    /// It is not what the protocol wants.
    Invalid,
    /// There is nothing to serve it from.
    Unavailable,
}

impl Verdict {
    /// All of them, each at its own number.
    pub const ALL: [Self; 8] = [
        Self::Allow,
        Self::WouldDeny,
        Self::WouldLimit,
        Self::Deny,
        Self::Limited,
        Self::Unauthenticated,
        Self::Invalid,
        Self::Unavailable,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// As metrics and audit lines have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::WouldDeny => "would_deny",
            Self::WouldLimit => "would_limit",
            Self::Deny => "deny",
            Self::Limited => "limited",
            Self::Unauthenticated => "unauthenticated",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the request went on.
    #[must_use]
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Allow | Self::WouldDeny | Self::WouldLimit)
    }
}
