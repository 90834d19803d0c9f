//! What the log knows of one name.

use std::fmt;

use bytes::Bytes;

use crate::{Name, Version};

/// A body that is in force.
#[derive(Clone, PartialEq, Eq)]
pub struct Good {
    /// The body's hash.
    pub version: Version,
    /// The encoding, shared by every stream.
    pub body: Bytes,
}

impl fmt::Debug for Good {
    /// Without the body: it can hold secret material.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Good").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The state of a name in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In force.
    Present(Good),
    /// The object exists but its newest edit cannot be compiled.
    Held {
        /// The version that goes on, if anybody has one.
        good: Option<Good>,
        /// What fails closed, but for what that version is on.
        dependents: Vec<Name>,
    },
    /// The object exists, but its body is not known yet.
    Expected,
    /// The object is gone.
    Removed,
    /// A grant or consent was withdrawn.
    Revoked,
}

/// A name's row in the log.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Of the newest change.
    pub(crate) sequence: u64,
    /// Of the change that brought the body: a gateway that acknowledged it has the body.
    pub(crate) body_since: u64,
    /// Set while the name has no body because it was withdrawn: gateways that have one from before must drop it.
    pub(crate) gone: Option<Gone>,
    pub(crate) state: State,
}

/// When and how a name was withdrawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) sequence: u64,
    pub(crate) revoked: bool,
}

impl Entry {
    pub(crate) fn good(&self) -> Option<&Good> {
        match &self.state {
            State::Present(good) | State::Held { good: Some(good), .. } => Some(good),
            State::Held { good: None, .. } | State::Expected | State::Removed | State::Revoked => None,
        }
    }
}
