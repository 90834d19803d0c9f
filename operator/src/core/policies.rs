//! Policies come into force by age: what one holds on a target depends on the older ones alone, so one pass settles them all.

use std::collections::BTreeSet;

use portolan_config::{Body, Kind, Name};

use super::Core;
use crate::{
    index::claims::Claim,
    object::{Key, ObjectKey, ObjectKind},
    translate::{self, Outcome, age},
};

impl Core {
    /// Translates the policies of `dirty`, and the younger ones that gain or lose a section by that.
    pub(super) fn publish_policies(&mut self, dirty: &BTreeSet<ObjectKey>) {
        let policies = dirty.iter().filter(|object| object.kind == ObjectKind::McpPolicy);
        let mut queue: BTreeSet<_> = policies.map(|policy| age(&policy.key, &self.world)).collect();
        while let Some((created, key)) = queue.pop_first() {
            let targets = self.publish_policy(&key);
            let rivals = targets.iter().flat_map(|target| self.world.rivals(target));
            let rivals = rivals.map(|rival| age(rival, &self.world));
            queue.extend(rivals.filter(|rival| *rival > (created, key.clone())));
        }
    }

    /// Puts one policy in force, or holds it. The targets where others may hold something else now.
    fn publish_policy(&mut self, key: &Key) -> BTreeSet<Name> {
        let object = ObjectKey::new(ObjectKind::McpPolicy, key.clone());
        let translation = translate::object(&object, &self.world);
        let name = translate::name(&object);
        for (name, outcome) in translation.resources {
            let held = matches!(outcome, Outcome::Hold(_));
            self.put(name.clone(), outcome);
            if held {
                self.join_again(key, &name);
            }
        }
        self.translated(&object, translation.problems);
        let claim = self.in_force(&name).map(|policy| Claim::of(&policy)).unwrap_or_default();
        let claim = self.world.contains(&object).then_some(claim);
        self.world.claims.set(key, claim)
    }

    /// The last good version of a policy that is held, among the policies of today: it holds on its targets what nobody older does.
    fn join_again(&mut self, key: &Key, name: &Name) {
        let Some(mut policy) = self.in_force(name) else { return };
        translate::join_again(key, &mut policy, &self.world);
        self.log.join_again(name, Body::Policy(policy).encode());
    }

    fn in_force(&self, name: &Name) -> Option<portolan_config::proto::Policy> {
        let (_, body) = self.log.get(name)?;
        match Body::decode(Kind::Policy, &body) {
            Ok(Body::Policy(policy)) => Some(policy),
            _ => None,
        }
    }
}
