//! Key sets as they are kept: the last good one of each issuer, and when it was fetched. Kept for a bounded time, on disk too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portolan_config::{Version, proto};
use prost::Message;

use crate::policy;

/// One key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// The hash of the document.
    pub version: Version,
    /// As the issuer sent it.
    pub document: Bytes,
    /// When, in seconds since 1970.
    pub fetched: u64,
}

/// Key sets by the URL that they were fetched from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySets(BTreeMap<Arc<str>, KeySet>);

impl KeySets {
    /// The last good one from a URL.
    #[must_use]
    pub fn get(&self, url: &str) -> Option<&KeySet> {
        self.0.get(url)
    }

    /// Takes in what was fetched. True if it is another document than before.
    pub fn fetched(&mut self, url: Arc<str>, document: Bytes, now: u64) -> bool {
        let version = Version::of(&document);
        let before = self.0.insert(url, KeySet { version, document, fetched: now });
        before.is_none_or(|before| before.version != version)
    }

    /// The issuer does not answer: its last good set goes on, but not for ever. True if it does no longer.
    pub fn missed(&mut self, url: &str, now: u64, kept: Duration) -> bool {
        let old = |set: &KeySet| now.saturating_sub(set.fetched) > kept.as_secs();
        self.0.get(url).is_some_and(old) && self.0.remove(url).is_some()
    }

    /// Drops those that nobody uses.
    pub fn retain(&mut self, is_used: impl Fn(&str) -> bool) {
        self.0.retain(|url, _| is_used(url));
    }
}

/// The bytes to keep on disk.
#[must_use]
pub fn write(sets: KeySets) -> Vec<u8> {
    let set = |(url, set): (Arc<str>, KeySet)| proto::KeySet {
        url: url.to_string(),
        document: set.document,
        fetched: i64::try_from(set.fetched).unwrap_or(i64::MAX),
    };
    proto::KeySets { sets: sets.0.into_iter().map(set).collect() }.encode_to_vec()
}

/// Reads kept bytes: those sets that are still fresh enough at `now`. What an older release took and this one does not is left out.
///
/// # Errors
/// The bytes are something else.
pub fn read(bytes: &[u8], now: u64, kept: Duration) -> Result<KeySets, String> {
    let message = proto::KeySets::decode(bytes).map_err(|_| "its content cannot be read")?;
    let mut sets = KeySets::default();
    for proto::KeySet { url, document, fetched } in message.sets {
        // A clock that was set back makes a set older than it is, never younger.
        let fetched = u64::try_from(fetched).unwrap_or(0).min(now);
        if now - fetched <= kept.as_secs() && policy::check_key_set(&document).is_ok() {
            sets.fetched(url.into(), document, fetched);
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests;
