//! Who names whom: the edges of the join, kept in both directions.
//!
//! An object that becomes malformed keeps its last edges, since its last good version goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Key, ObjectKey, ObjectKind};

/// Something that an object names, or claims for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Another object.
    Object(ObjectKey),
    /// A host (empty: any) and path, which one route can hold.
    Address(String, String),
}

impl Node {
    /// The object of `kind` at `key`.
    #[must_use]
    pub fn object(kind: ObjectKind, key: Key) -> Self {
        Self::Object(ObjectKey::new(kind, key))
    }
}

/// The edges, forwards and backwards.
#[derive(Debug, Default)]
pub struct References {
    forward: BTreeMap<ObjectKey, BTreeSet<Node>>,
    backward: BTreeMap<Node, BTreeSet<ObjectKey>>,
}

impl References {
    /// Replaces what `from` names, and returns what it named before.
    pub fn set(&mut self, from: &ObjectKey, nodes: BTreeSet<Node>) -> BTreeSet<Node> {
        let before = self.forward.remove(from).unwrap_or_default();
        for node in before.difference(&nodes) {
            if let Some(referrers) = self.backward.get_mut(node) {
                referrers.remove(from);
                if referrers.is_empty() {
                    self.backward.remove(node);
                }
            }
        }
        for node in nodes.difference(&before) {
            self.backward.entry(node.clone()).or_default().insert(from.clone());
        }
        if !nodes.is_empty() {
            self.forward.insert(from.clone(), nodes);
        }
        before
    }

    /// What `from` names.
    pub fn of(&self, from: &ObjectKey) -> impl Iterator<Item = &Node> {
        self.forward.get(from).into_iter().flatten()
    }

    /// Who names `node`.
    pub fn to(&self, node: &Node) -> impl Iterator<Item = &ObjectKey> {
        self.backward.get(node).into_iter().flatten()
    }

    /// Every Secret that somebody names.
    pub fn secrets(&self) -> impl Iterator<Item = &Key> {
        let first = Node::object(ObjectKind::Secret, Key::new("", ""));
        self.backward.range(first..).map_while(|(node, _)| match node {
            Node::Object(object) if object.kind == ObjectKind::Secret => Some(&object.key),
            _ => None,
        })
    }
}
