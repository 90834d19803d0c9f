//! Which bodies to ask a gateway for, a few at a time.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::reports::Reports;
use crate::limits::FETCHES_IN_FLIGHT;
use crate::proto::Fetch;
use crate::{Kind, Log, Name, Version};

#[derive(Debug, Default)]
pub(super) struct Fetches {
    /// What the log could adopt, in the order of asking.
    adoptable: VecDeque<(Name, Version)>,
    in_flight: BTreeMap<Name, Version>,
}

impl Fetches {
    /// Sets what the log could adopt. Each gateway is asked in another order, so that after a restart a hundred gateways share the work; the chunks
    /// of a catalogue come before it.
    pub(super) fn adopt<'a>(&mut self, gateway: &str, lacking: impl Iterator<Item = (&'a Name, Version)>) {
        let place = |name: &Name| {
            let mut hasher = DefaultHasher::new();
            (gateway, name.namespace(), name.name()).hash(&mut hasher);
            hasher.finish()
        };
        let mut adoptable: Vec<_> = lacking.map(|(name, version)| (name.clone(), version)).collect();
        adoptable.sort_by_cached_key(|(name, _)| (place(name), name.kind() != Kind::Chunk, name.clone()));
        self.adoptable = adoptable.into();
    }

    /// Asks for what is still lacking, as far as there is room.
    pub(super) fn next(&mut self, log: &Log, reports: &Reports) -> Vec<Fetch> {
        let room = FETCHES_IN_FLIGHT - self.in_flight.len();
        let mut chosen: Vec<_> =
            reports.lacking().filter(|(name, _)| !self.in_flight.contains_key(*name)).take(room).collect();
        let mut fetches: Vec<_> = chosen.drain(..).map(|(name, version)| (name.clone(), version)).collect();
        while fetches.len() < room
            && let Some((name, version)) = self.adoptable.pop_front()
        {
            let asked = self.in_flight.contains_key(&name) || fetches.iter().any(|(chosen, _)| *chosen == name);
            if asked {
                self.adoptable.push_front((name, version));
                break;
            }
            if log.awaits(&name) {
                fetches.push((name, version));
            }
        }
        self.in_flight.extend(fetches.iter().cloned());
        fetches.iter().map(|(name, version)| Fetch { name: name.to_string(), version: version.to_string() }).collect()
    }

    /// Takes an answer off: which version was asked for. `None` if nobody asked.
    pub(super) fn answered(&mut self, name: &str) -> Option<(Name, Version)> {
        self.in_flight.remove_entry(name)
    }
}
