//! The revisions of the protocol that an object may pin.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A revision of the Model Context Protocol, ordered by age.
#[expect(missing_docs, reason = "a date says all: and a comment here would end up in the CRD")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Revision {
    #[serde(rename = "2024-11-05")]
    R20241105,
    #[serde(rename = "2025-03-26")]
    R20250326,
    #[serde(rename = "2025-06-18")]
    R20250618,
    #[serde(rename = "2025-11-25")]
    R20251125,
    #[serde(rename = "2026-07-28")]
    R20260728,
}

impl Revision {
    /// The revision as the protocol writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::R20241105 => "2024-11-05",
            Self::R20250326 => "2025-03-26",
            Self::R20250618 => "2025-06-18",
            Self::R20251125 => "2025-11-25",
            Self::R20260728 => "2026-07-28",
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
