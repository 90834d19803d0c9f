//! The gateways that are connected now: what each acknowledged, and what it refused.

use std::collections::{BTreeMap, BTreeSet};

use portolan_config::{Name, Version, proto::KeysHeld};

/// One stream. A gateway that reconnects has a new one while the old one may still be dying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u64);

/// A connected gateway.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    /// Its name.
    pub(super) name: String,
    /// Everything up to this sequence is in force in it, but for what it rejected.
    pub(super) acked: u64,
    /// What it could not compile: the version, and why.
    pub(super) rejected: BTreeMap<Name, (Version, String)>,
    /// It serves what it has, and takes no new work.
    pub(super) draining: bool,
    /// The keys and authorities that it holds, once it has told.
    pub(super) keys: Option<KeysHeld>,
}

/// Connected gateways, by stream.
#[derive(Debug, Default)]
pub(super) struct Gateways {
    streams: BTreeMap<StreamId, Gateway>,
    /// The stream by which a gateway counts: the last that began.
    counted: BTreeMap<String, StreamId>,
    last: u64,
}

impl Gateways {
    /// Adds a stream. An older one of the same gateway no longer counts, unless this one ends before it: what was long under way may arrive after
    /// the gateway has given it up and opened another.
    pub(super) fn connect(&mut self, name: &str) -> StreamId {
        self.last += 1;
        let id = StreamId(self.last);
        self.streams.insert(id, Gateway { name: name.to_owned(), ..Gateway::default() });
        self.counted.insert(name.to_owned(), id);
        id
    }

    /// Forgets a stream; false if another one of the same gateway counted in its place already.
    pub(super) fn disconnect(&mut self, id: StreamId) -> bool {
        let Some(gone) = self.streams.remove(&id) else { return false };
        if self.counted.get(&gone.name) != Some(&id) {
            return false;
        }
        let left = self.streams.iter().rev().find(|(_, gateway)| gateway.name == gone.name).map(|(id, _)| *id);
        match left {
            Some(left) => self.counted.insert(gone.name, left),
            None => self.counted.remove(&gone.name),
        };
        true
    }

    /// The gateway of a stream, whether it counts or not.
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut Gateway> {
        self.streams.get_mut(&id)
    }

    /// All of them, each by the stream that counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.counted.values().filter_map(|id| self.streams.get(id))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.counted.len()
    }

    /// Names of those that take work.
    pub(super) fn serving(&self) -> BTreeSet<String> {
        self.iter().filter(|gateway| !gateway.draining).map(|gateway| gateway.name.clone()).collect()
    }

    /// The sequence that every one has acknowledged; `None` without gateways.
    pub(super) fn acknowledged(&self) -> Option<u64> {
        self.iter().map(|gateway| gateway.acked).min()
    }
}

#[cfg(test)]
mod tests;
