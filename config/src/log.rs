//! The operator's set of resources, in the order in which they changed. Plain data: no clock, no stream, no judgement of bodies.
//!
//! A step takes everything up to the newest sequence. So an operator that makes all edits of one batch while it holds the log, and wakes the
//! streams afterwards, never shows a gateway half of a batch: that is how a route is never in force without its policy.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use crate::{Body, Kind, Name, Version};

mod state;

pub(crate) use state::{Entry, Gone};
pub use state::{Good, State};

/// Resources by name and by the sequence of their newest change.
#[derive(Debug, Default)]
pub struct Log {
    epoch: u64,
    sequence: u64,
    floor: u64,
    entries: BTreeMap<Name, Entry>,
    /// One row for each entry: a name that changes again moves, so a step costs what changed and a burst is one step.
    changes: BTreeMap<u64, Name>,
    /// The rows that say that a name is gone.
    tombstones: BTreeSet<u64>,
}

impl Log {
    /// An empty log of epoch 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The epoch of the lease under which this log is served.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Serves from now on under another lease.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// The sequence of the newest change; 0 before the first.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Puts a resource in force. `None` if it is in force in this version already; otherwise the sequence of the change.
    pub fn put(&mut self, name: Name, body: Bytes) -> Option<u64> {
        let version = Version::of(&body);
        if let Some(State::Present(good)) = self.state(&name)
            && good.version == version
        {
            return None;
        }
        Some(self.record(name, State::Present(Good { version, body }), None))
    }

    /// The object is gone. `None` if the log does not have it.
    pub fn remove(&mut self, name: &Name) -> Option<u64> {
        self.withdraw(name, false)
    }

    /// A grant or consent was withdrawn: gateways drop the resource now. `None` if the log does not have it.
    pub fn revoke(&mut self, name: &Name) -> Option<u64> {
        self.withdraw(name, true)
    }

    /// The object exists but cannot be compiled: its last good version stays. What is in `dependents` fails closed, but for what that version is on.
    /// `None` if nothing changes.
    pub fn hold(&mut self, name: Name, dependents: Vec<Name>) -> Option<u64> {
        let (good, gone) = match self.entries.get(&name) {
            Some(Entry { state: State::Held { dependents: before, .. }, .. }) if *before == dependents => return None,
            Some(entry) => (entry.good().cloned(), entry.gone),
            None => (None, None),
        };
        Some(self.record(name, State::Held { good, dependents }, gone))
    }

    /// The last good version of a held name means something else beside what has changed around it. `None` if it does not, or if the name is not held.
    pub fn join_again(&mut self, name: &Name, body: Bytes) -> Option<u64> {
        let version = Version::of(&body);
        let Some(State::Held { good: Some(good), dependents }) = self.state(name) else { return None };
        if good.version == version {
            return None;
        }
        let state = State::Held { good: Some(Good { version, body }), dependents: dependents.clone() };
        Some(self.record(name.clone(), state, None))
    }

    /// The resource exists, but its body is not known yet (a catalogue, after a restart): it is never told as removed, and fetched from gateways
    /// that have it. An expected catalogue implies its chunks. `None` if the log knows anything of the name already.
    pub fn expect(&mut self, name: Name) -> Option<u64> {
        if self.entries.contains_key(&name) {
            return None;
        }
        Some(self.record(name, State::Expected, None))
    }

    /// Takes a body that a gateway had: fills a held name or an expected one. False if nobody waits for it, or if it is not that version or not of
    /// that kind. A catalogue with chunks comes by `adopt_with`.
    pub fn adopt(&mut self, name: &Name, version: Version, body: Bytes) -> bool {
        self.adopt_with(name, version, body, &[])
    }

    /// Like `adopt`, together with a catalogue's chunks: all that it lists must be there. What it does not list is left.
    pub fn adopt_with(
        &mut self,
        name: &Name,
        version: Version,
        body: Bytes,
        chunks: &[(Name, Version, Bytes)],
    ) -> bool {
        // A chunk is awaited, but of no use alone: another gateway's catalogue may list another version.
        if name.kind() == Kind::Chunk || !self.awaits(name) || !genuine(name, version, &body) {
            return false;
        }
        let listed = match Body::decode(name.kind(), &body) {
            Ok(Body::Catalogue(catalogue)) => catalogue.chunks,
            _ => Vec::new(),
        };
        let own = |chunk: &Name| chunk.kind() == Kind::Chunk && chunk.sibling(Kind::Catalogue) == *name;
        let chunk = |text: &String| {
            let mut same = chunks.iter().filter(|(chunk, ..)| chunk.as_str() == text);
            let found = same.find(|(chunk, version, body)| own(chunk) && genuine(chunk, *version, body));
            found.map(|(chunk, _, body)| (chunk.clone(), body.clone()))
        };
        let Some(chunks) = listed.iter().map(chunk).collect::<Option<Vec<_>>>() else { return false };
        for (chunk, body) in chunks {
            self.put(chunk, body);
        }
        let good = Good { version, body };
        let state = match self.entries.get_mut(name).map(|entry| &mut entry.state) {
            Some(State::Held { dependents, .. }) => {
                State::Held { good: Some(good), dependents: std::mem::take(dependents) }
            }
            _ => State::Present(good),
        };
        self.record(name.clone(), state, None);
        true
    }

    /// What is in force under a name.
    #[must_use]
    pub fn get(&self, name: &Name) -> Option<(Version, Bytes)> {
        self.entries.get(name).and_then(Entry::good).map(|good| (good.version, good.body.clone()))
    }

    /// All that the log knows of a name.
    #[must_use]
    pub fn state(&self, name: &Name) -> Option<&State> {
        self.entries.get(name).map(|entry| &entry.state)
    }

    /// Every name with its state, tombstones too, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &State)> {
        self.entries.iter().map(|(name, entry)| (name, &entry.state))
    }

    /// The sequence of a name's newest change: every gateway whose acknowledged sequence is not lower has it.
    #[must_use]
    pub fn changed_at(&self, name: &Name) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.sequence)
    }

    /// Known chunks of a server's catalogue, ordered by name.
    pub fn chunks(&self, namespace: &str, server: &str) -> impl Iterator<Item = &Name> {
        let prefix = format!("{}/{namespace}/{server}/", Kind::Chunk);
        let from = self.entries.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let known: Vec<_> = from.take_while(|(name, _)| name.as_str().starts_with(&prefix)).collect();
        known.into_iter().filter(|(_, entry)| entry.good().is_some()).map(|(name, _)| name)
    }

    /// Drops the tombstones that every connected gateway has acknowledged (the lowest of their sequences). A session that is behind is refused and
    /// comes back with its list, which needs no tombstones.
    pub fn forget_tombstones(&mut self, acknowledged: u64) {
        while let Some(sequence) = self.tombstones.first().copied().filter(|first| *first <= acknowledged) {
            self.tombstones.remove(&sequence);
            self.floor = sequence;
            if let Some(name) = self.changes.remove(&sequence) {
                self.entries.remove(&name);
            }
        }
    }

    /// The newest sequence whose tombstone is forgotten: a session below it cannot be told what is gone.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter()
    }

    /// Names whose newest change is later than a sequence, oldest first.
    pub(crate) fn changes(&self, after: u64) -> impl Iterator<Item = (&Name, &Entry)> {
        let later = self.changes.range((Bound::Excluded(after), Bound::Unbounded));
        later.filter_map(|(_, name)| self.entries.get_key_value(name))
    }

    /// Whether a gateway's body of this name would be taken.
    pub(crate) fn awaits(&self, name: &Name) -> bool {
        match self.entries.get(name) {
            Some(Entry { state: State::Expected, .. }) => true,
            // After a removal a gateway's body is that of the object before.
            Some(Entry { state: State::Held { good: None, .. }, gone: None, .. }) => true,
            Some(_) => false,
            None if name.kind() == Kind::Chunk => {
                matches!(self.state(&name.sibling(Kind::Catalogue)), Some(State::Expected))
            }
            None => false,
        }
    }

    /// How a name that has no body was withdrawn.
    pub(crate) fn gone(&self, name: &Name) -> Option<Gone> {
        self.entries.get(name).and_then(|entry| entry.gone)
    }

    fn withdraw(&mut self, name: &Name, revoked: bool) -> Option<u64> {
        let state = if revoked { State::Revoked } else { State::Removed };
        match self.state(name)? {
            State::Revoked => return None,
            State::Removed if !revoked => return None,
            _ => {}
        }
        Some(self.record(name.clone(), state, Some(Gone { sequence: self.sequence + 1, revoked })))
    }

    fn record(&mut self, name: Name, state: State, gone: Option<Gone>) -> u64 {
        self.sequence += 1;
        let sequence = self.sequence;
        let before = self.entries.get(&name);
        if let Some(before) = before {
            self.changes.remove(&before.sequence);
            self.tombstones.remove(&before.sequence);
        }
        if matches!(state, State::Removed | State::Revoked) {
            self.tombstones.insert(sequence);
        }
        // A hold keeps the body that gateways have; everything else that has a body brings it.
        let body_since = match (&state, before) {
            (State::Held { good: Some(good), .. }, Some(before))
                if before.good().is_some_and(|b| b.version == good.version) =>
            {
                before.body_since
            }
            _ => sequence,
        };
        self.changes.insert(sequence, name.clone());
        self.entries.insert(name, Entry { sequence, body_since, gone, state });
        sequence
    }
}

/// Whether a body is what its name and version say.
fn genuine(name: &Name, version: Version, body: &Bytes) -> bool {
    Version::of(body) == version && Body::decode(name.kind(), body).is_ok()
}

#[cfg(test)]
mod tests;
