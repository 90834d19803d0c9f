//! A whole step, and its parts on the wire. It knows sizes, not meanings.

use prost::Message;

use crate::limits::STEP_PART_BYTES;
use crate::proto::{Hold, Resource, Step};
use crate::{Name, Version};

/// All that changes for one gateway at once.
#[derive(Debug, Default)]
pub(crate) struct WholeStep {
    pub(crate) resources: Vec<Resource>,
    pub(crate) removed: Vec<String>,
    pub(crate) revoked: Vec<String>,
    pub(crate) held: Vec<Hold>,
}

impl WholeStep {
    pub(crate) fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.removed.is_empty() && self.revoked.is_empty() && self.held.is_empty()
    }

    pub(crate) fn send(&mut self, name: &Name, version: Version, body: bytes::Bytes) {
        self.resources.push(Resource { name: name.to_string(), version: version.to_string(), body });
    }

    pub(crate) fn withdraw(&mut self, name: &Name, revoked: bool) {
        if revoked { &mut self.revoked } else { &mut self.removed }.push(name.to_string());
    }

    pub(crate) fn hold(&mut self, name: &Name, version: Option<Version>, dependents: &[Name]) {
        let version = version.map(|version| version.to_string()).unwrap_or_default();
        self.held.push(Hold {
            name: name.to_string(),
            version,
            dependents: dependents.iter().map(Name::to_string).collect(),
        });
    }

    /// Parts of about 1 MiB at most; the last one, which may be the only and an empty one, carries the commit mark.
    pub(crate) fn into_parts(self, epoch: u64, sequence: u64) -> Vec<Step> {
        let mut parts =
            Parts { epoch, sequence, done: Vec::new(), open: Step { epoch, sequence, ..Step::default() }, bytes: 0 };
        for resource in self.resources {
            parts.room(resource.encoded_len()).resources.push(resource);
        }
        for name in self.removed {
            parts.room(name.len()).removed.push(name);
        }
        for name in self.revoked {
            parts.room(name.len()).revoked.push(name);
        }
        for hold in self.held {
            parts.room(hold.encoded_len()).held.push(hold);
        }
        parts.open.commit = true;
        parts.done.push(parts.open);
        parts.done
    }
}

struct Parts {
    epoch: u64,
    sequence: u64,
    done: Vec<Step>,
    open: Step,
    bytes: usize,
}

impl Parts {
    /// The part that an item of this size goes to.
    fn room(&mut self, bytes: usize) -> &mut Step {
        // A field's key and length take at most 6 bytes at these sizes, a step's own fields at most 24.
        const FRAME: usize = 8;
        const HEAD: usize = 32;
        if self.bytes > 0 && HEAD + self.bytes + bytes + FRAME > STEP_PART_BYTES {
            let next = Step { epoch: self.epoch, sequence: self.sequence, ..Step::default() };
            self.done.push(std::mem::replace(&mut self.open, next));
            self.bytes = 0;
        }
        self.bytes += bytes + FRAME;
        &mut self.open
    }
}

#[cfg(test)]
mod tests;
