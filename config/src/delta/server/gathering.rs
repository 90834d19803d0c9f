//! Bodies that are of use only together. It never asks who wants them.

use bytes::Bytes;

use crate::{Name, Version};

/// A set of names in fixed versions, and the bodies of them so far.
#[derive(Debug)]
pub(super) struct Gathering {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: Name,
    version: Version,
    body: Option<Bytes>,
}

impl Gathering {
    pub(super) fn new(parts: impl IntoIterator<Item = (Name, Version, Option<Bytes>)>) -> Self {
        Self { parts: parts.into_iter().map(|(name, version, body)| Part { name, version, body }).collect() }
    }

    pub(super) fn includes(&self, name: &Name, version: Version) -> bool {
        self.parts.iter().any(|part| part.name == *name && part.version == version)
    }

    pub(super) fn lacking(&self) -> impl Iterator<Item = (&Name, Version)> {
        self.parts.iter().filter(|part| part.body.is_none()).map(|part| (&part.name, part.version))
    }

    pub(super) fn found(&mut self, name: &Name, version: Version, body: &Bytes) {
        for part in self.parts.iter_mut().filter(|part| part.name == *name && part.version == version) {
            part.body = Some(body.clone());
        }
    }

    /// Bytes of the bodies so far.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().filter_map(|part| part.body.as_ref()).map(Bytes::len).sum()
    }

    /// All bodies, in the order of the names; `None` while one is lacking.
    pub(super) fn bodies(&self) -> Option<Vec<(Name, Version, Bytes)>> {
        self.parts.iter().map(|part| Some((part.name.clone(), part.version, part.body.clone()?))).collect()
    }
}
