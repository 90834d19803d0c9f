//! What the operator says of each object: findings from problems, gateways' acknowledgements and reports, and the status made of them.
//!
//! Pure, but for the writer. Nothing here changes what is in force.

pub mod findings;
pub mod ledger;
mod policy;
mod route;
mod server;
pub mod writer;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
use portolan_crds::{ConditionType, Finding, conditions};
use serde_json::Value;

pub use self::{
    policy::{ancestor, policy, reference},
    route::{RouteFacts, ServerView, collisions, route},
    server::{ServerFacts, server, verified},
};
use crate::{object::ObjectKey, translate::Problem};

/// What status says, or would say, of one object; of a policy, for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectStatus {
    /// The object.
    pub object: ObjectKey,
    /// Of a policy: the target.
    pub target: Option<ObjectKey>,
    /// Its conditions.
    pub findings: Vec<Finding>,
    /// What is wrong with it, field by field, with remedies.
    pub problems: Vec<Problem>,
    /// Of a route: the URL that agents use, where it is known.
    pub endpoint: Option<String>,
}

/// A status to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Whose.
    pub object: ObjectKey,
    /// The object's uid: what events refer to.
    pub uid: Option<String>,
    /// The version of the object that it is made for.
    pub version: Option<String>,
    /// Whether the object has not the shape of its kind.
    pub malformed: bool,
    /// The whole status, as the operator means it.
    pub status: Value,
    /// Conditions whose status changed: each is an event.
    pub transitions: Vec<Transition>,
}

/// A condition that changed its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Its type.
    pub condition: String,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Whether it is for the worse.
    pub warning: bool,
}

/// The order in which people read conditions.
const ORDER: [ConditionType; 6] = [
    ConditionType::Accepted,
    ConditionType::ResolvedRefs,
    ConditionType::PartiallyInvalid,
    ConditionType::Verified,
    ConditionType::Programmed,
    ConditionType::PolicyAffected,
];

/// Who reads the object, and when.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The object's generation.
    pub generation: Option<i64>,
    /// Now.
    pub now: Timestamp,
}

/// The conditions of `findings`, continuing `old`: times move only with a status, and a generation that was programmed stays so, whoever
/// joins or leaves the fleet later.
fn continued(findings: &[Finding], old: &[Condition], moment: Moment) -> Vec<Condition> {
    let made = findings.iter().map(|finding| {
        let mut new = finding.clone().at(moment.generation, moment.now);
        let Some(old) = conditions::get(old, finding.condition) else { return new };
        if finding.condition == ConditionType::Programmed && same_state(old, &new) {
            return old.clone();
        }
        if old.status == new.status {
            new.last_transition_time = old.last_transition_time.clone();
        }
        new
    });
    let mut made: Vec<Condition> = made.collect();
    // What nobody knows anew stays as it was said.
    for silent in [ConditionType::Verified, ConditionType::Programmed] {
        if conditions::get(&made, silent).is_none() {
            made.extend(conditions::get(old, silent).cloned());
        }
    }
    // One order, whoever is silent: another one would be another status.
    made.sort_by_key(|condition| ORDER.iter().position(|known| known.as_str() == condition.type_));
    made
}

fn same_state(old: &Condition, new: &Condition) -> bool {
    new.status == "True"
        && old.status == new.status
        && old.reason == new.reason
        && old.observed_generation == new.observed_generation
}

/// Whether the object's generation was programmed everywhere already.
#[must_use]
pub fn was_programmed(old: &[Condition], generation: Option<i64>) -> bool {
    let programmed = conditions::get(old, ConditionType::Programmed);
    programmed.is_some_and(|condition| condition.status == "True" && condition.observed_generation == generation)
}

/// Whether `old` says of this generation what `finding` says, but perhaps with other counts.
#[must_use]
pub fn tells_already(old: &[Condition], finding: &Finding, generation: Option<i64>) -> bool {
    conditions::get(old, finding.condition).is_some_and(|old| {
        old.status == finding.status.as_str()
            && old.reason == finding.reason.as_str()
            && old.observed_generation == generation
    })
}

/// Conditions that changed their status from `old` to `new`.
pub fn transitions<'a>(old: &'a [Condition], new: &'a [Condition]) -> impl Iterator<Item = Transition> + 'a {
    new.iter().filter_map(|condition| {
        let before = old.iter().find(|old| old.type_ == condition.type_);
        if before.is_some_and(|before| before.status == condition.status) {
            return None;
        }
        let good = if condition.type_ == ConditionType::PartiallyInvalid.as_str() { "False" } else { "True" };
        // What is not known yet is no news while it was not known before.
        if before.is_none() && condition.status == "Unknown" {
            return None;
        }
        Some(Transition {
            condition: condition.type_.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            warning: condition.status != good,
        })
    })
}

#[cfg(test)]
mod tests;
