//! What is wrong with an object, as data: a reason for machines, and field, message and remedy for people.

use std::fmt;

use crate::object::ObjectKey;

/// One mistake, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object that holds the mistake.
    pub object: ObjectKey,
    /// Of a policy: the target that it concerns; absent where it concerns all.
    pub target: Option<ObjectKey>,
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
        self.found.push(Problem { object, target: None, reason, field, message, remedy });
        &mut self.found[index]
    }

    /// Whether one of them refuses the whole edit.
    #[must_use]
    pub fn refuse(&self) -> bool {
        self.found.iter().any(|problem| problem.reason.effect() == Effect::Refused && problem.target.is_none())
    }
}

/// What a problem does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The edit is not in force: `Accepted=False`. The last good version goes on.
    Refused,
    /// Something that it names is missing or not permitted: `ResolvedRefs=False`. The rest is in force.
    Unresolved,
    /// Part of it is left out: `PartiallyInvalid=True`. The rest is in force.
    Partial,
    /// It is in force, and does something that its author may not expect: a condition of its own.
    Warning,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident => $effect:ident),+ $(,)?) => {
        /// Why an object, or part of it, is not in force. The word is what `reason` holds in a condition.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $reason),+
        }

        impl Reason {
            /// The word in a condition.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason)),+
                }
            }

            /// What it does to the object.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self {
                    $(Self::$reason => Effect::$effect),+
                }
            }
        }
    };
}

reasons! {
    /// The object has not the shape of its kind.
    Malformed => Refused,
    /// A field has a value that no schema lets through.
    Invalid => Refused,
    /// A remote's URL cannot be dialled.
    InvalidUrl => Refused,
    /// An expression does not compile.
    InvalidExpression => Refused,
    /// A rate limit's key is no path of the environment.
    InvalidKey => Refused,
    /// Inline keys are no JSON Web Key Set.
    InvalidJwks => Refused,
    /// Another route holds the host and path.
    HostPathConflict => Refused,
    /// An older policy holds a section on the same target.
    Conflicted => Refused,
    /// Nothing that the policy names exists.
    TargetNotFound => Refused,
    /// A section that the target cannot have.
    NotApplicable => Refused,
    /// A reference across namespaces that nobody permitted.
    RefNotPermitted => Unresolved,
    /// A server that a route names does not exist.
    BackendNotFound => Unresolved,
    /// The Service that a server names does not exist.
    ServiceNotFound => Unresolved,
    /// The Service has no such port, or cannot have endpoints.
    PortNotFound => Unresolved,
    /// The namespace's owner does not let us read Secrets.
    SecretNotGranted => Unresolved,
    /// The Secret does not exist.
    SecretNotFound => Unresolved,
    /// The Secret has no such key.
    SecretKeyNotFound => Unresolved,
    /// Some of a route's hosts are another's.
    HostnameTaken => Partial,
    /// Two tools have one name, and one of them (or its server) is left out.
    ToolNameConflict => Partial,
    /// No policy says who the callers are, so all of them are refused.
    NoAuthentication => Warning,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
