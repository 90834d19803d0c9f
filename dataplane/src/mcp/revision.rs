//! The protocol's revisions, oldest first, and the two eras that they fall into.

use std::fmt;
use std::str::FromStr;

/// A revision of the Model Context Protocol that the gateway speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05.
    R20241105,
    /// 2025-03-26.
    R20250326,
    /// 2025-06-18.
    R20250618,
    /// 2025-11-25, the newest with `initialize`.
    R20251125,
    /// 2026-07-28, the first without sessions.
    R20260728,
}

/// How peers introduce themselves: once per session, or with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize` opens a session.
    Legacy,
    /// Each request carries its own metadata.
    Modern,
}

/// Every revision that the gateway speaks, newest first.
pub const SUPPORTED: [Revision; 5] =
    [Revision::R20260728, Revision::R20251125, Revision::R20250618, Revision::R20250326, Revision::R20241105];

impl Revision {
    /// The newest revision that is negotiated by `initialize`.
    pub const NEWEST_LEGACY: Self = Self::R20251125;
    /// The newest revision.
    pub const NEWEST: Self = Self::R20260728;

    /// The revision's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R20241105 => "2024-11-05",
            Self::R20250326 => "2025-03-26",
            Self::R20250618 => "2025-06-18",
            Self::R20251125 => "2025-11-25",
            Self::R20260728 => "2026-07-28",
        }
    }

    /// The era that the revision belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::R20260728 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// What a server answers to an `initialize` that asks for `requested`: the same if it is a legacy revision that we speak, else our newest legacy one.
    #[must_use]
    pub fn negotiate(requested: &str) -> Self {
        requested.parse().ok().filter(|revision: &Self| revision.era() == Era::Legacy).unwrap_or(Self::NEWEST_LEGACY)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is none of the revisions that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a protocol revision that is spoken here")]
pub struct UnknownRevision;

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(name: &str) -> Result<Self, UnknownRevision> {
        SUPPORTED.into_iter().find(|revision| revision.as_str() == name).ok_or(UnknownRevision)
    }
}

#[cfg(test)]
mod tests;
