//! What a caller without a good token is told (RFC 6750, RFC 9728).

use std::fmt::Write;
use std::sync::Arc;

/// Why a request has no principal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{description}")]
pub struct Unauthenticated {
    /// The code of RFC 6750; `None` where no token was sent at all.
    pub error: Option<&'static str>,
    /// For people. It never quotes the token.
    pub description: &'static str,
    /// Where the issuer publishes its keys, if the one that the token names is not among those fetched from there.
    pub lacks_key_of: Option<Arc<str>>,
}

impl Unauthenticated {
    /// No token.
    pub(super) const MISSING: Self = Self { error: None, description: "a token is needed", lacks_key_of: None };

    /// A token that is not good.
    pub(super) fn invalid(description: &'static str) -> Self {
        Self { error: Some("invalid_token"), description, lacks_key_of: None }
    }

    /// The value of `WWW-Authenticate`.
    pub(super) fn challenge(&self, metadata_url: &str, scopes: &str) -> String {
        let mut challenge = format!("Bearer resource_metadata=\"{}\"", quoted(metadata_url));
        if let Some(error) = self.error {
            // Writing to a String cannot fail.
            let _ = write!(challenge, ", error=\"{error}\", error_description=\"{}\"", quoted(self.description));
        }
        if !scopes.is_empty() {
            let _ = write!(challenge, ", scope=\"{}\"", quoted(scopes));
        }
        challenge
    }
}

/// What may stand between quotes in a header: the rest is left out.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests;
