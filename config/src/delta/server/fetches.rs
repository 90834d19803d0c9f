//! Fetches in flight: a few at a time, one for a name.

use std::collections::BTreeMap;

use crate::limits::FETCHES_IN_FLIGHT;
use crate::proto::Fetch;
use crate::{Name, Version};

#[derive(Debug, Default)]
pub(super) struct Fetches {
    in_flight: BTreeMap<Name, Version>,
}

impl Fetches {
    /// Asks for what is wanted, as far as there is room.
    pub(super) fn next<'a>(&mut self, mut wanted: impl Iterator<Item = (&'a Name, Version)>) -> Vec<Fetch> {
        let mut fetches = Vec::new();
        while self.in_flight.len() < FETCHES_IN_FLIGHT
            && let Some((name, version)) = wanted.next()
        {
            if !self.in_flight.contains_key(name) {
                self.in_flight.insert(name.clone(), version);
                fetches.push(Fetch { name: name.to_string(), version: version.to_string() });
            }
        }
        fetches
    }

    /// Takes an answer off: which version was asked for. `None` if nobody asked.
    pub(super) fn answered(&mut self, name: &str) -> Option<(Name, Version)> {
        self.in_flight.remove_entry(name)
    }
}
