//! The principal: who calls, as one issuer knows them.

use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

/// Who calls. Two principals are the same if issuer and subject are.
pub struct Identity {
    /// Who vouches for them; empty for the anonymous one.
    pub issuer: Arc<str>,
    /// Whom the issuer means; `anonymous` if nobody said.
    pub subject: Arc<str>,
    /// What the issuer says of them: an object. Secret: never logged.
    pub claims: Value,
    /// When the token is no longer taken, seconds since 1970.
    pub expires: Option<u64>,
    key: [u8; 16],
}

static ANONYMOUS: LazyLock<Arc<Identity>> =
    LazyLock::new(|| Arc::new(Identity::new("", "anonymous", Value::Object(serde_json::Map::new()), None)));

impl Identity {
    /// A principal whom an issuer vouches for.
    pub fn new(issuer: &str, subject: &str, claims: Value, expires: Option<u64>) -> Self {
        let mut hash = Context::new(&SHA256);
        // The length keeps issuer and subject apart.
        hash.update(&(issuer.len() as u64).to_be_bytes());
        hash.update(issuer.as_bytes());
        hash.update(subject.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finish().as_ref()[..16]);
        Self { issuer: issuer.into(), subject: subject.into(), claims, expires, key }
    }

    /// Whoever calls where nobody has to say who they are.
    pub fn anonymous() -> Arc<Self> {
        Arc::clone(&ANONYMOUS)
    }

    /// A hash of issuer and subject: part of the key of every cache, session, pool and limit.
    pub fn key(&self) -> &[u8; 16] {
        &self.key
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer).field("subject", &self.subject).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
