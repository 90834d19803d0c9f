//! What the log can get from this gateway after a restart of the operator: held names, and catalogues together with their chunks.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use super::gathering::Gathering;
use crate::limits::REPORT_BYTES;
use crate::{Kind, Log, Name, Version};

#[derive(Debug, Default)]
pub(super) struct Adoptions {
    waiting: VecDeque<(Name, Gathering)>,
}

impl Adoptions {
    /// Sets what the gateway has and the log waits for. Each gateway is asked in another order, so that after a restart a hundred of them share the work.
    pub(super) fn begin<'a>(&mut self, gateway: &str, lacking: impl Iterator<Item = (&'a Name, Version)>) {
        let mut groups: BTreeMap<Name, Vec<_>> = BTreeMap::new();
        for (name, version) in lacking {
            groups.entry(whole(name)).or_default().push((name.clone(), version, None));
        }
        // Chunks without their catalogue are of no use.
        groups.retain(|whole, parts| parts.iter().any(|(name, ..)| name == whole));
        let mut waiting: Vec<_> = groups.into_iter().map(|(whole, parts)| (whole, Gathering::new(parts))).collect();
        waiting.sort_by_cached_key(|(whole, _)| {
            let mut hasher = DefaultHasher::new();
            (gateway, whole).hash(&mut hasher);
            hasher.finish()
        });
        self.waiting = waiting.into();
    }

    /// Bodies that are to be fetched, unless the log has got them elsewhere meanwhile.
    pub(super) fn lacking(&mut self, log: &Log) -> impl Iterator<Item = (&Name, Version)> {
        while self.waiting.front().is_some_and(|(whole, _)| !log.awaits(whole)) {
            self.waiting.pop_front();
        }
        self.waiting.iter().filter(|(whole, _)| log.awaits(whole)).flat_map(|(_, gathering)| gathering.lacking())
    }

    /// Takes a body; gives the name that the log adopted, if that made one whole.
    pub(super) fn found(&mut self, name: &Name, version: Version, body: &Bytes, log: &mut Log) -> Option<Name> {
        let place = self.place(name, version)?;
        let (whole, gathering) = &mut self.waiting[place];
        gathering.found(name, version, body);
        if gathering.bytes() > REPORT_BYTES {
            self.waiting.remove(place);
            return None;
        }
        let mut bodies = gathering.bodies()?;
        let own = bodies.iter().position(|(name, ..)| name == whole)?;
        let (whole, version, body) = bodies.swap_remove(own);
        self.waiting.remove(place);
        log.adopt_with(&whole, version, body, &bodies).then_some(whole)
    }

    /// The gateway no longer has a body.
    pub(super) fn missing(&mut self, name: &Name, version: Version) {
        if let Some(place) = self.place(name, version) {
            self.waiting.remove(place);
        }
    }

    fn place(&self, name: &Name, version: Version) -> Option<usize> {
        self.waiting.iter().position(|(_, gathering)| gathering.includes(name, version))
    }
}

/// What a name is adopted with: a chunk only with its catalogue.
fn whole(name: &Name) -> Name {
    if name.kind() == Kind::Chunk { name.sibling(Kind::Catalogue) } else { name.clone() }
}
