//! A step, put together from its parts. Bounded, and nothing of it is seen before the commit mark.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::delta::ProtocolError;
use crate::limits::{STEP_BYTES, STEP_NAMES};
use crate::proto::{self, Hold, Rejected, Resource};
use crate::{Name, Version};

/// A whole step.
#[derive(Default)]
pub(super) struct Step {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    pub(super) resources: BTreeMap<Name, (Version, Bytes)>,
    pub(super) removed: BTreeSet<Name>,
    pub(super) revoked: BTreeSet<Name>,
    /// Held names with their dependents.
    pub(super) held: BTreeMap<Name, Vec<Name>>,
    /// Resources of kinds that this release does not know: rejected, so that the operator can say so.
    pub(super) foreign: Vec<Rejected>,
}

impl Step {
    pub(super) fn withdraws(&self, name: &Name) -> bool {
        self.removed.contains(name) || self.revoked.contains(name)
    }

    pub(super) fn mentions(&self, name: &Name) -> bool {
        self.resources.contains_key(name) || self.withdraws(name) || self.held.contains_key(name)
    }

    fn add_resource(&mut self, resource: Resource) -> Result<(), ProtocolError> {
        let Ok(name) = resource.name.parse::<Name>() else {
            let reason = "this release does not know such resources".to_owned();
            self.foreign.push(Rejected { name: resource.name, version: resource.version, reason });
            return Ok(());
        };
        let version = Version::of(&resource.body);
        if resource.version.parse() != Ok(version) {
            return Err(ProtocolError::Corrupt(name));
        }
        if self.resources.contains_key(&name) || self.withdraws(&name) {
            return Err(ProtocolError::Twice(name));
        }
        self.resources.insert(name, (version, resource.body));
        Ok(())
    }

    fn withdraw(&mut self, name: &str, revoked: bool) -> Result<(), ProtocolError> {
        let Ok(name) = name.parse::<Name>() else { return Ok(()) };
        if self.resources.contains_key(&name) || self.withdraws(&name) {
            return Err(ProtocolError::Twice(name));
        }
        if revoked { &mut self.revoked } else { &mut self.removed }.insert(name);
        Ok(())
    }

    fn hold(&mut self, hold: &Hold) -> Result<(), ProtocolError> {
        let Ok(name) = hold.name.parse::<Name>() else { return Ok(()) };
        let dependents = hold.dependents.iter().filter_map(|name| name.parse().ok()).collect();
        match self.held.insert(name.clone(), dependents) {
            None => Ok(()),
            Some(_) => Err(ProtocolError::Twice(name)),
        }
    }
}

/// The parts so far.
#[derive(Default)]
pub(super) struct Assembly {
    step: Option<Step>,
    bytes: usize,
    names: usize,
}

impl Assembly {
    /// Takes a part; gives the step if it carries the commit mark.
    pub(super) fn add(&mut self, part: proto::Step) -> Result<Option<Step>, ProtocolError> {
        let step =
            self.step.get_or_insert_with(|| Step { epoch: part.epoch, sequence: part.sequence, ..Step::default() });
        if (step.epoch, step.sequence) != (part.epoch, part.sequence) {
            return Err(ProtocolError::MixedStep);
        }
        let dependents: usize = part.held.iter().map(|hold| hold.dependents.len()).sum();
        self.names += part.resources.len() + part.removed.len() + part.revoked.len() + part.held.len() + dependents;
        self.bytes += part.resources.iter().map(|resource| resource.body.len()).sum::<usize>();
        if self.names > STEP_NAMES || self.bytes > STEP_BYTES {
            return Err(ProtocolError::StepTooLarge);
        }
        part.resources.into_iter().try_for_each(|resource| step.add_resource(resource))?;
        part.removed.iter().try_for_each(|name| step.withdraw(name, false))?;
        part.revoked.iter().try_for_each(|name| step.withdraw(name, true))?;
        part.held.iter().try_for_each(|hold| step.hold(hold))?;
        Ok(if part.commit { std::mem::take(self).step } else { None })
    }
}
