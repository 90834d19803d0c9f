//! Conditions of status: their types, how a finding becomes one, and how one is put into a list.
//!
//! Pure: the time is handed in, so the same findings at the same time give the same bytes.

use std::fmt;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use crate::{bounds, reason::Reason};

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The object is sound and in use.
    Accepted,
    /// What the object names exists and may be used.
    ResolvedRefs,
    /// A gateway has done the handshake with the server and read its lists.
    Verified,
    /// The gateways serve it.
    Programmed,
    /// Policies apply to it. There only while it is so.
    PolicyAffected,
    /// A part of it cannot be served. There only while it is so.
    PartiallyInvalid,
}

impl ConditionType {
    /// The word, in CamelCase.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Verified => "Verified",
            Self::Programmed => "Programmed",
            Self::PolicyAffected => "PolicyAffected",
            Self::PartiallyInvalid => "PartiallyInvalid",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say yet.
    Unknown,
}

impl Status {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition without a time: what a pure function finds out about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub condition: ConditionType,
    /// Whether it holds.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// Why, for people: the field and the remedy where something is wrong. Never a secret.
    pub message: String,
}

impl Finding {
    /// The condition holds.
    pub fn holds(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, status: Status::True, reason, message: message.into() }
    }

    /// The condition does not hold.
    pub fn fails(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, status: Status::False, reason, message: message.into() }
    }

    /// Nobody can say yet.
    pub fn unknown(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, status: Status::Unknown, reason, message: message.into() }
    }

    /// The condition of an object of `generation`, found at `now`. A long message is cut.
    #[must_use]
    pub fn at(self, generation: Option<i64>, now: Timestamp) -> Condition {
        // Whole seconds, as metav1.Time is stored: a written condition compares equal when it is read back.
        let seconds = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Condition {
            type_: self.condition.as_str().to_owned(),
            status: self.status.as_str().to_owned(),
            reason: self.reason.as_str().to_owned(),
            message: bounds::clip(&self.message, bounds::MESSAGE),
            observed_generation: generation,
            last_transition_time: Time(seconds),
        }
    }
}

/// Puts `new` into the list in place of the condition of its type, and says whether anything but the time changed.
///
/// The time moves only when the status does: it says since when the condition holds or fails.
pub fn set(conditions: &mut Vec<Condition>, mut new: Condition) -> bool {
    let Some(old) = conditions.iter_mut().find(|old| old.type_ == new.type_) else {
        conditions.push(new);
        return true;
    };
    if old.status == new.status {
        new.last_transition_time = old.last_transition_time.clone();
    }
    if *old == new {
        return false;
    }
    *old = new;
    true
}

/// Takes the condition out of the list, and says whether it was there.
pub fn remove(conditions: &mut Vec<Condition>, condition: ConditionType) -> bool {
    let before = conditions.len();
    conditions.retain(|old| old.type_ != condition.as_str());
    conditions.len() != before
}

/// The condition of that type.
#[must_use]
pub fn get(conditions: &[Condition], condition: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|old| old.type_ == condition.as_str())
}

/// Whether the condition is there and holds.
#[must_use]
pub fn holds(conditions: &[Condition], condition: ConditionType) -> bool {
    get(conditions, condition).is_some_and(|condition| condition.status == Status::True.as_str())
}

#[cfg(test)]
mod tests;
