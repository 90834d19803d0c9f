//! What is wrong with an object, as data: a reason for machines, and field, message and remedy for people.

use portolan_crds::{ConditionType, Reason};

use crate::object::ObjectKey;

/// One mistake, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object that holds the mistake.
    pub object: ObjectKey,
    /// Of a policy: the target that it concerns; absent where it concerns all.
    pub target: Option<ObjectKey>,
    /// What it does to the object.
    pub effect: Effect,
    /// The kind of mistake.
    pub reason: Reason,
    /// Where it is: `spec.source.service.port`.
    pub field: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do, in a sentence; empty where the message says it.
    pub remedy: String,
}

impl Problem {
    /// What status says: message and remedy, with the field that they are about.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = if self.field.is_empty() { String::new() } else { format!("{}: ", self.field) };
        sentence.push_str(&self.message);
        if !self.remedy.is_empty() {
            sentence.push_str("; ");
            sentence.push_str(&self.remedy);
        }
        sentence
    }
}

/// Collects the problems of one object.
#[derive(Debug)]
pub struct Problems {
    object: ObjectKey,
    /// What was found, in the order of the fields.
    pub found: Vec<Problem>,
}

impl Problems {
    /// None yet, of `object`.
    #[must_use]
    pub fn of(object: ObjectKey) -> Self {
        Self { object, found: Vec::new() }
    }

    /// Adds one.
    pub fn add(
        &mut self,
        reason: Reason,
        field: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut Problem {
        let object = self.object.clone();
        let (field, message, remedy) = (field.into(), message.into(), remedy.into());
        // The last line of a push that needs no unwrap to give the element back.
        let index = self.found.len();
        self.found.push(Problem { object, target: None, effect: Effect::of(reason), reason, field, message, remedy });
        &mut self.found[index]
    }

    /// A field that breaks a rule of its kind: the message says which, and so what to do.
    pub fn invalid(&mut self, field: &str, message: &str) {
        self.add(Reason::Invalid, field, message, "");
    }

    /// Whether one of them refuses the whole edit.
    #[must_use]
    pub fn refuse(&self) -> bool {
        self.found.iter().any(|problem| problem.effect == Effect::Refused && problem.target.is_none())
    }
}

/// What a problem does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The edit is not in force: `Accepted=False`. The last good version goes on.
    Refused,
    /// Something that it names is missing or not permitted: `ResolvedRefs=False`. The rest is in force.
    Unresolved,
    /// Part of it is left out, or does nothing: `PartiallyInvalid=True`. The rest is in force.
    Partial,
}

impl Effect {
    /// What a mistake of this kind does, unless somebody knows better.
    #[must_use]
    pub fn of(reason: Reason) -> Self {
        match reason {
            Reason::RefNotPermitted
            | Reason::BackendNotFound
            | Reason::PortNotFound
            | Reason::SecretNotGranted
            | Reason::SecretNotFound
            | Reason::SecretKeyNotFound => Self::Unresolved,
            Reason::NameConflict | Reason::ServersDropped | Reason::NoAuthentication => Self::Partial,
            _ => Self::Refused,
        }
    }

    /// The condition that tells it.
    #[must_use]
    pub fn condition(self) -> ConditionType {
        match self {
            Self::Refused => ConditionType::Accepted,
            Self::Unresolved => ConditionType::ResolvedRefs,
            Self::Partial => ConditionType::PartiallyInvalid,
        }
    }
}
