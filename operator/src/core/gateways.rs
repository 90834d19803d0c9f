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
    last: u64,
}

impl Gateways {
    /// Adds a stream. An older one of the same gateway no longer counts.
    pub(super) fn connect(&mut self, name: &str) -> StreamId {
        self.streams.retain(|_, gateway| gateway.name != name);
        self.last += 1;
        let id = StreamId(self.last);
        self.streams.insert(id, Gateway { name: name.to_owned(), ..Gateway::default() });
        id
    }

    /// Forgets a stream; false if another one of the same gateway has taken its place already.
    pub(super) fn disconnect(&mut self, id: StreamId) -> bool {
        self.streams.remove(&id).is_some()
    }

    /// The gateway of a stream, unless another stream has taken its place.
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut Gateway> {
        self.streams.get_mut(&id)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.streams.values()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.streams.len()
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
