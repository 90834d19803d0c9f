//! The last known good configuration: what a gateway has in force, in the form in which it outlives the process. It reads no file and opens no seal.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use prost::Message;

use crate::delta::client::Change;
use crate::proto::{self, EndedSession, Hold, Resource};
use crate::{Kind, Name, Version};

/// All that is in force, and what must not be forgotten of what is not.
#[derive(Clone, Default, PartialEq)]
pub struct LastGood {
    /// The highest epoch seen: a gateway never goes back, not over a restart either.
    pub epoch: u64,
    /// What is in force.
    pub resources: BTreeMap<Name, (Version, Bytes)>,
    /// Names whose newest edit is not in force, and what is closed for it.
    pub held: BTreeMap<Name, Vec<Name>>,
    /// Sessions that were ended before their time.
    pub ended: Vec<EndedSession>,
}

/// The bytes are not a last known good configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LastGoodError {
    /// Not the message.
    #[error("its content cannot be read")]
    Malformed,
    /// A body that is not what its version says, or a name that is there twice.
    #[error("its content is not in order: {0}")]
    Corrupt(Name),
}

impl LastGood {
    /// The bytes to keep.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let resources = self.resources.into_iter().map(|(name, (version, body))| Resource {
            name: name.to_string(),
            version: version.to_string(),
            body,
        });
        let held = self.held.into_iter().map(|(name, dependents)| Hold {
            name: name.to_string(),
            version: String::new(),
            dependents: dependents.iter().map(Name::to_string).collect(),
        });
        let message = proto::LastGood {
            epoch: self.epoch,
            resources: resources.collect(),
            held: held.collect(),
            ended: self.ended,
        };
        message.encode_to_vec()
    }

    /// Reads kept bytes. What a later release kept and this one does not know is left out.
    ///
    /// # Errors
    /// [`LastGoodError`]: such bytes are of no use at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, LastGoodError> {
        let message = proto::LastGood::decode(bytes).map_err(|_| LastGoodError::Malformed)?;
        let mut kept = Self { epoch: message.epoch, ended: message.ended, ..Self::default() };
        for Resource { name, version, body } in message.resources {
            let Ok(name) = name.parse::<Name>() else { continue };
            let genuine = Version::of(&body);
            if version.parse() != Ok(genuine) || kept.resources.insert(name.clone(), (genuine, body)).is_some() {
                return Err(LastGoodError::Corrupt(name));
            }
        }
        for Hold { name, dependents, .. } in message.held {
            let Ok(name) = name.parse::<Name>() else { continue };
            kept.held.insert(name, dependents.iter().filter_map(|name| name.parse().ok()).collect());
        }
        Ok(kept)
    }

    /// Without what was told to another gateway alone: a data folder may have changed hands.
    #[must_use]
    pub fn belonging_to(mut self, gateway: &str) -> Self {
        let own = Name::assignment(gateway);
        self.resources.retain(|name, _| name.kind() != Kind::Assignment || *name == own);
        self
    }

    /// All of it as one step.
    #[must_use]
    pub fn change(&self) -> Change {
        let upserts = self.resources.iter().map(|(name, (version, body))| (name.clone(), *version, body.clone()));
        let version = |name: &Name| self.resources.get(name).map(|(version, _)| *version);
        let held = self.held.iter().map(|(name, dependents)| (name.clone(), version(name), dependents.clone()));
        Change {
            sequence: 0,
            epoch: self.epoch,
            upserts: upserts.collect(),
            removed: Vec::new(),
            revoked: Vec::new(),
            held: held.collect(),
            initial: true,
        }
    }
}

impl fmt::Debug for LastGood {
    /// Without bodies: they can hold secret material.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastGood")
            .field("epoch", &self.epoch)
            .field("resources", &self.resources.keys())
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
