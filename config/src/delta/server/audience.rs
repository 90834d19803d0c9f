//! What one gateway lacks: the log, seen by one gateway, as the content of a step. It never learns what was acknowledged or rejected.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::log::{Entry, State};
use crate::proto::Held;
use crate::step::WholeStep;
use crate::{Kind, Log, Name, Version};

/// One gateway's view of the log.
#[derive(Debug)]
pub(super) struct Audience {
    own_assignment: Name,
    /// What the gateway had on subscribing and the log did not: empty but for the first moments after a restart of the operator.
    lacking: BTreeMap<Name, Theirs>,
}

/// A version that the gateway has and the log may get.
#[derive(Debug)]
struct Theirs {
    version: Version,
    /// The gateway was told that the name is held; a resource is what takes the mark off.
    marked: bool,
}

impl Audience {
    pub(super) fn new(own_assignment: Name) -> Self {
        Self { own_assignment, lacking: BTreeMap::new() }
    }

    /// What the gateway has and the log could adopt.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (&Name, Version)> {
        self.lacking.iter().map(|(name, theirs)| (name, theirs.version))
    }

    /// The difference between what a gateway has and the log.
    pub(super) fn initial(&mut self, list: Vec<Held>, log: &Log) -> WholeStep {
        let mut step = WholeStep::default();
        let mut has = BTreeMap::new();
        for Held { name, version } in list {
            match name.parse::<Name>() {
                Ok(name) => {
                    has.insert(name, version.parse::<Version>().ok());
                }
                Err(_) => step.removed.push(name),
            }
        }
        let own = self.own_assignment.clone();
        for (name, entry) in log.entries().filter(|(name, _)| concerns(name, &own)) {
            let theirs = has.remove(name);
            match (entry.good(), theirs) {
                (Some(good), theirs) if theirs != Some(Some(good.version)) => {
                    step.send(name, good.version, good.body.clone());
                }
                (None, Some(theirs)) => self.keep_or_drop(name, theirs, log, &mut step),
                _ => {}
            }
            self.mark(name, entry, &mut step);
        }
        for (name, theirs) in has {
            self.keep_or_drop(&name, theirs, log, &mut step);
        }
        step
    }

    /// What changed after a sequence: costs what changed.
    pub(super) fn since(&mut self, acked: u64, log: &Log) -> WholeStep {
        let mut step = WholeStep::default();
        let own = self.own_assignment.clone();
        for (name, entry) in log.changes(acked).filter(|(name, _)| concerns(name, &own)) {
            match (entry.good(), entry.gone) {
                (Some(good), _) => {
                    let held = matches!(entry.state, State::Held { .. });
                    let theirs = self.lacking.remove(name);
                    let theirs =
                        theirs.is_some_and(|theirs| theirs.version == good.version && (held || !theirs.marked));
                    if !theirs && (entry.body_since > acked || !held) {
                        step.send(name, good.version, good.body.clone());
                    }
                }
                (None, Some(gone)) => {
                    self.lacking.remove(name);
                    if gone.sequence > acked {
                        step.withdraw(name, gone.revoked);
                    }
                }
                (None, None) => {}
            }
            self.mark(name, entry, &mut step);
            if name.kind() == Kind::Catalogue && !matches!(entry.state, State::Expected) {
                self.drop_orphans(name, log, &mut step);
            }
        }
        step
    }

    /// A version of a name for which the log has no body: kept if the log waits for one.
    fn keep_or_drop(&mut self, name: &Name, theirs: Option<Version>, log: &Log, step: &mut WholeStep) {
        match theirs {
            Some(version) if log.awaits(name) => {
                self.lacking.insert(name.clone(), Theirs { version, marked: false });
            }
            _ => step.withdraw(name, matches!(log.gone(name), Some(gone) if gone.revoked)),
        }
    }

    fn mark(&mut self, name: &Name, entry: &Entry, step: &mut WholeStep) {
        if let State::Held { good, dependents } = &entry.state {
            step.hold(name, good.as_ref().map(|good| good.version), dependents);
            if let Some(theirs) = self.lacking.get_mut(name) {
                theirs.marked = true;
            }
        }
    }

    /// Chunks that were kept because their catalogue was expected, once it is known and does not list them.
    fn drop_orphans(&mut self, catalogue: &Name, log: &Log, step: &mut WholeStep) {
        let prefix = format!("{}/", catalogue.sibling(Kind::Chunk));
        let from = self.lacking.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let kept = from.map(|(name, _)| name).take_while(|name| name.as_str().starts_with(&prefix));
        let orphans: Vec<_> = kept.filter(|name| log.state(name).is_none()).cloned().collect();
        for name in orphans {
            self.lacking.remove(&name);
            step.withdraw(&name, false);
        }
    }
}

/// A gateway sees one assignment: its own.
fn concerns(name: &Name, own_assignment: &Name) -> bool {
    name.kind() != Kind::Assignment || name == own_assignment
}
