//! What policies hold by what is in force of them: sections on targets. What an edit that is not in force would hold is not told here, so such an
//! edit takes nothing from anybody.

use std::collections::{BTreeMap, BTreeSet};

use portolan_config::{
    Name,
    proto::{Policy, Section},
};

use crate::object::Key;

/// Every policy that was translated, and who is on a target.
#[derive(Debug, Default)]
pub struct Claims {
    of: BTreeMap<Key, Claim>,
    on: BTreeMap<Name, BTreeSet<Key>>,
}

/// What one policy holds, where nobody older does. Nothing, if no version of it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    sections: Vec<Section>,
    targets: BTreeSet<Name>,
}

impl Claim {
    /// What a version in force says: all its sections, wherever it is attached.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let sections = [
            (policy.authentication.is_some(), Section::Authentication),
            (policy.authorization.is_some(), Section::Authorization),
            (!policy.rate_limits.is_empty(), Section::RateLimits),
            (policy.limits.is_some(), Section::Limits),
        ];
        let sections = sections.into_iter().filter_map(|(there, section)| there.then_some(section));
        let targets = policy.attachments.iter().filter_map(|attachment| attachment.target.parse().ok());
        Self { sections: sections.collect(), targets: targets.collect() }
    }

    /// Its sections.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether it is about this section of this target.
    #[must_use]
    pub fn covers(&self, target: &Name, section: Section) -> bool {
        self.sections.contains(&section) && self.targets.contains(target)
    }
}

impl Claims {
    /// What the policy at `key` holds. `None`: it was not translated yet, or is gone.
    #[must_use]
    pub fn of(&self, key: &Key) -> Option<&Claim> {
        self.of.get(key)
    }

    /// The policies that are on a target.
    pub fn on(&self, target: &Name) -> impl Iterator<Item = &Key> {
        self.on.get(target).into_iter().flatten()
    }

    /// Replaces what a policy holds, and returns the targets where that may give or take a section.
    pub fn set(&mut self, key: &Key, claim: Option<Claim>) -> BTreeSet<Name> {
        let before = self.of.remove(key);
        if before == claim {
            self.of.extend(claim.map(|claim| (key.clone(), claim)));
            return BTreeSet::new();
        }
        let before = before.unwrap_or_default().targets;
        for target in &before {
            if let Some(policies) = self.on.get_mut(target) {
                policies.remove(key);
                if policies.is_empty() {
                    self.on.remove(target);
                }
            }
        }
        let mut changed = before;
        if let Some(claim) = claim {
            for target in &claim.targets {
                self.on.entry(target.clone()).or_default().insert(key.clone());
            }
            changed.extend(claim.targets.iter().cloned());
            self.of.insert(key.clone(), claim);
        }
        changed
    }
}
