//! Turns a watcher's events into changes: a list becomes one replacement, so that what vanished while nobody watched is dropped.

use kube::runtime::watcher::Event;

use crate::object::{Key, Kind, Object, ObjectKey, Stored};

/// A change of the watched set.
#[derive(Debug)]
pub(super) enum Change {
    /// An object is new or different.
    Apply(Object),
    /// An object is gone.
    Delete(ObjectKey),
    /// These are all there are.
    Replace(Vec<Object>),
}

/// The list that is being read, if one is.
#[derive(Debug, Default)]
pub(super) struct Relist(Vec<Object>);

impl Relist {
    /// The change that `event` completes, if it does.
    pub(super) fn take<K: Kind>(&mut self, event: Event<Stored<K>>) -> Option<Change> {
        match event {
            Event::Init => {
                self.0.clear();
                None
            }
            Event::InitApply(object) => {
                self.0.extend(K::object(object));
                None
            }
            Event::InitDone => Some(Change::Replace(std::mem::take(&mut self.0))),
            Event::Apply(object) => K::object(object).map(Change::Apply),
            Event::Delete(object) => Some(Change::Delete(ObjectKey::new(K::KIND, Key::of(object.meta())))),
        }
    }
}

#[cfg(test)]
mod tests;
