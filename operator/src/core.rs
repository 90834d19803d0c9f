//! The operator without its edges: objects and gateways' words in, resources and statuses out. Plain data; the time is told, never asked.

mod catalogues;
mod describe;
mod gateways;
mod policies;
mod progress;
mod statuses;
mod streams;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use portolan_config::{Kind, Log, Name};

pub use self::{describe::Size, gateways::StreamId, progress::Reached, streams::Flow};
use self::{gateways::Gateways, progress::Progress};
use crate::{
    index::{Dirty, Grant, World},
    object::{Key, Object, ObjectKey, ObjectKind},
    settings::Settings,
    translate::{self, Outcome, Problem, exposure::Listing},
};

/// One operator's whole state.
pub struct Core {
    world: World,
    dirty: Dirty,
    log: Log,
    gateways: Gateways,
    /// What translation said of each object; absent: nothing.
    problems: BTreeMap<ObjectKey, Vec<Problem>>,
    progress: BTreeMap<ObjectKey, Progress>,
    /// Objects whose edit some gateway's word is awaited for: few, where there are many objects.
    open: BTreeSet<ObjectKey>,
    /// Chunks of reports that are not in the log yet.
    chunks: BTreeMap<Key, Vec<(Name, Bytes)>>,
    /// What status needs of the catalogues in the log.
    listings: BTreeMap<Key, Listing>,
    /// Objects whose status may differ from what the API server has.
    due: BTreeSet<ObjectKey>,
    /// Kinds whose first list is done.
    listed: BTreeSet<ObjectKind>,
    settled: bool,
    published: bool,
    /// Since when there is no gateway at all, until status has said so.
    lonely_since: Option<i64>,
    wake: Wake,
}

/// Who is to be woken.
#[derive(Debug, Default)]
pub struct Wake {
    /// Something is to be translated.
    pub dirty: bool,
    /// Some status may have changed.
    pub status: bool,
    /// A step is in the log.
    pub published: Option<u64>,
    /// Other Secrets are referenced than before.
    pub secrets: Option<BTreeSet<Key>>,
    /// Every first list is done but for Secrets.
    pub listed: bool,
    /// Every first list is done.
    pub settled: bool,
}

impl Core {
    /// An operator without objects.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            world: World::new(settings),
            dirty: Dirty { fleet: true, ..Dirty::default() },
            log: Log::new(),
            gateways: Gateways::default(),
            problems: BTreeMap::new(),
            progress: BTreeMap::new(),
            open: BTreeSet::new(),
            chunks: BTreeMap::new(),
            listings: BTreeMap::new(),
            due: BTreeSet::new(),
            listed: BTreeSet::new(),
            settled: false,
            published: false,
            lonely_since: None,
            wake: Wake::default(),
        }
    }

    /// Whom the last actions concern; asked once after each.
    pub fn take_wake(&mut self) -> Wake {
        std::mem::take(&mut self.wake)
    }

    // === Objects in ===

    /// An object is new or different.
    pub fn apply(&mut self, object: Object, now: i64) {
        let key = object.key();
        self.world.apply(object, &mut self.dirty);
        self.note_edit(&key, now);
        // Also when only its status changed: somebody else may have written it.
        if key.kind.has_status() {
            self.due.insert(key);
        }
        self.wake.status |= self.published;
        self.after_change();
    }

    /// An object is gone.
    pub fn delete(&mut self, key: &ObjectKey, now: i64) {
        self.world.delete(key, &mut self.dirty);
        self.note_edit(key, now);
        self.after_change();
    }

    /// These are all objects of a kind: others are gone, and its first list is done.
    pub fn replace(&mut self, kind: ObjectKind, namespace: Option<&str>, objects: Vec<Object>, now: i64) {
        let kept: BTreeSet<ObjectKey> = objects.iter().map(Object::key).collect();
        for key in self.world.keys(kind) {
            if namespace.is_none_or(|namespace| key.key.namespace == namespace) && !kept.contains(&key) {
                self.delete(&key, now);
            }
        }
        for object in objects {
            self.apply(object, now);
        }
        self.listed.insert(kind);
        self.after_change();
    }

    /// What a namespace's owner lets us read of its Secrets.
    pub fn set_grant(&mut self, namespace: &str, grant: Grant) {
        self.world.set_grant(namespace, grant, &mut self.dirty);
        self.after_change();
    }

    /// Forgets grants of namespaces that hold no reference any more.
    pub fn forget_grants(&mut self, forgotten: impl Fn(&str) -> bool) {
        self.world.forget_grants(forgotten);
    }

    /// Notes when an edit began to wait, if the object was edited at all.
    fn note_edit(&mut self, key: &ObjectKey, now: i64) {
        if self.dirty.edited.contains(key) {
            self.progress.entry(key.clone()).or_default().edited(now);
            self.open.insert(key.clone());
        }
    }

    /// Notes who waits for what has changed. Costs the same, however much waits already.
    fn after_change(&mut self) {
        self.wake.dirty |= self.is_dirty();
        if self.dirty.secrets {
            self.dirty.secrets = false;
            self.wake.secrets = Some(self.world.references().secrets().cloned().collect());
        }
        let listed = World::LISTED.iter().all(|kind| self.listed.contains(kind));
        self.wake.listed |= listed;
        if listed && !self.settled && self.world.grants_settled() {
            self.settled = true;
            self.wake.settled = true;
        }
    }

    // === Resources out ===

    /// Whether something is to be translated.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_clean() || !self.published
    }

    /// Translates what is dirty and puts it in force as one step.
    pub fn publish(&mut self, now: i64) -> u64 {
        let dirty = std::mem::take(&mut self.dirty);
        self.publish_policies(&dirty.objects);
        for key in dirty.objects.iter().filter(|key| key.kind != ObjectKind::McpPolicy) {
            let translation = translate::object(key, &self.world);
            for (name, outcome) in translation.resources {
                self.put(name, outcome);
            }
            self.translated(key, translation.problems);
        }
        self.publish_catalogues(&dirty, now);
        if dirty.assignments || dirty.fleet {
            self.publish_shared();
        }
        if !self.published && self.gateways.len() == 0 {
            // They were another operator's until now, and are on their way.
            self.lonely_since = Some(now);
        }
        self.published = true;
        self.forget_gone(&dirty);
        self.note_published(&dirty, now);
        self.wake.published = Some(self.log.sequence());
        self.wake.status = true;
        self.log.sequence()
    }

    fn put(&mut self, name: Name, outcome: Outcome) {
        match outcome {
            Outcome::Put(body) => {
                self.log.put(name, body.encode());
            }
            Outcome::Remove => {
                self.log.remove(&name);
            }
            Outcome::Revoke => {
                self.log.revoke(&name);
            }
            Outcome::Hold(dependents) => {
                self.log.hold(name, dependents);
            }
        }
    }

    fn translated(&mut self, key: &ObjectKey, problems: Vec<Problem>) {
        if problems.is_empty() {
            self.problems.remove(key);
        } else {
            self.problems.insert(key.clone(), problems);
        }
        if key.kind.has_status() {
            self.due.insert(key.clone());
        }
    }

    /// What every gateway shares, and what each is assigned.
    fn publish_shared(&mut self) {
        self.put(Name::fleet(&self.world.settings.fleet), Outcome::put(translate::fleet(&self.world)));
        let assignments = translate::assignments(&self.world);
        let current: BTreeSet<Name> = assignments.iter().map(|one| Name::assignment(&one.gateway)).collect();
        let known = self.log.iter().map(|(name, _)| name).filter(|name| name.kind() == Kind::Assignment);
        let stale: Vec<Name> = known.filter(|name| !current.contains(*name)).cloned().collect();
        for name in stale {
            self.log.remove(&name);
        }
        for assignment in assignments {
            self.put(Name::assignment(&assignment.gateway), Outcome::put(assignment));
        }
    }

    fn forget_gone(&mut self, dirty: &Dirty) {
        for key in &dirty.objects {
            if !self.world.contains(key) {
                self.progress.remove(key);
                self.open.remove(key);
                self.problems.remove(key);
                self.due.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
