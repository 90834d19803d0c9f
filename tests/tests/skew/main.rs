//! Releases that are one apart understand each other: what the first one said is kept and said again to this one, and what a later one may say is
//! taken in or refused by name, never by half.

#![expect(clippy::unwrap_used, reason = "a test may panic, and says what it expected")]

mod later;
mod older_gateway;
mod older_operator;

use std::path::PathBuf;

/// Where recordings are kept.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}
