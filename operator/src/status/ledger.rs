//! What was written last of each object, and what that says of the next write: over which version it goes, and whether it is to be made at all.
//!
//! Every write names the version that it was made for, so a replica that was away for a while, and does not know yet that another one holds the
//! lease, overwrites nothing that was written since.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Update;
use crate::object::ObjectKey;

/// Pause before a status that somebody else has overwritten is written again, doubled each time: two writers that disagree are not an endless row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What is to be done with an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write it over this version.
    Write(Option<String>),
    /// The API server has had it already.
    Skip,
    /// Somebody else overwrites it again and again: not before then.
    Later(Instant),
}

/// The last write of each object.
#[derive(Debug, Default)]
pub struct Ledger(BTreeMap<ObjectKey, Entry>);

#[derive(Debug)]
struct Entry {
    /// Of the object that was written: one of the same name that came after it starts anew.
    uid: Option<String>,
    /// What it said, without its times: a hash, since a status is kilobytes and there may be very many.
    said: [u8; 32],
    /// Versions that are older than the write's own, until its echo has come.
    older: Vec<String>,
    /// The version that the write has made.
    own: Option<String>,
    at: Instant,
    /// How often this very status was written.
    times: u32,
}

impl Ledger {
    /// What to do with an update.
    #[must_use]
    pub fn judge(&self, update: &Update, now: Instant) -> Verdict {
        let Some(entry) = self.entry(update) else { return Verdict::Write(update.version.clone()) };
        let same = entry.said == said(&update.status);
        let seen = update.version.as_ref();
        if seen.is_some_and(|seen| entry.older.contains(seen)) {
            return if same { Verdict::Skip } else { Verdict::Write(entry.own.clone()) };
        }
        if same {
            // An API server that does not keep a status as it is gets it once.
            if seen == entry.own.as_ref() {
                return Verdict::Skip;
            }
            let again = entry.at + pause(entry.times);
            if now < again {
                return Verdict::Later(again);
            }
        }
        Verdict::Write(update.version.clone())
    }

    fn entry(&self, update: &Update) -> Option<&Entry> {
        self.0.get(&update.object).filter(|entry| entry.uid == update.uid)
    }

    /// An update was written over `over`, and made the version `own`.
    pub fn written(&mut self, update: Update, over: Option<String>, own: Option<String>, now: Instant) {
        let (before, said) = (self.0.remove(&update.object), said(&update.status));
        let before = before.filter(|before| before.uid == update.uid);
        let times = before.as_ref().filter(|before| before.said == said).map_or(0, |before| before.times);
        let follows = before.filter(|before| before.own == over && update.version != over);
        let mut older = follows.map(|before| before.older).unwrap_or_default();
        older.extend(over);
        self.0.insert(update.object, Entry { uid: update.uid, said, older, own, at: now, times: times + 1 });
    }

    /// The object is gone.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.0.remove(key);
    }

    /// Entries by object.
    pub fn entries(&mut self) -> &mut BTreeMap<ObjectKey, impl Sized> {
        &mut self.0
    }
}

fn said(status: &Value) -> [u8; 32] {
    // Keys are in order, since nobody preserves another one (`Cargo.toml`).
    Sha256::digest(timeless(status).to_string()).into()
}

/// What a status says. Whoever overwrites what another one says puts a new time to it, and says the same as before all the same.
fn timeless(status: &Value) -> Value {
    match status {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "lastTransitionTime");
            kept.map(|(name, value)| (name.clone(), timeless(value))).collect()
        }
        Value::Array(items) => items.iter().map(timeless).collect(),
        other => other.clone(),
    }
}

fn pause(times: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(times.saturating_sub(1).min(16))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
