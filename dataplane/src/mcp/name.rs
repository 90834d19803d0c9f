//! Exposed names: what agents call a server's tool.
//!
//! A name depends on the prefix and the tool's own name only, never on other tools, so it is the same on every pod and after every change.

use sha2::{Digest as _, Sha256};

/// Longest exposed name: what the model providers accept.
const MAX: usize = 64;
/// What is left of a longer one before `_` and the eight digits of its hash.
const KEPT: usize = 55;

/// The name that agents see: `prefix_own` in `[A-Za-z0-9_-]`, cut with a hash when longer than 64. Without a prefix the name passes unchanged.
#[must_use]
pub fn exposed(prefix: &str, own: &str) -> String {
    if prefix.is_empty() {
        return own.to_owned();
    }
    let whole = format!("{prefix}_{own}");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let clean: String = whole.chars().map(plain).collect();
    if clean.len() <= MAX {
        return clean;
    }
    let digest = hex::encode(Sha256::digest(whole.as_bytes()));
    format!("{}_{}", &clean[..KEPT], &digest[..8])
}

#[cfg(test)]
mod tests;
