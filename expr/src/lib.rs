//! Conditions and key paths that users write in policies: parsed and checked once, evaluated on borrowed facts.
//!
//! This crate hides the CEL library, whose interface changes with every minor release, and adds what it lacks: unknown variables and members
//! are refused when an expression is parsed, its cost is bounded before and while it runs, and only what it names is looked at.
//! It knows nothing of policies, of the protocol or of Kubernetes.
#![warn(missing_docs)]

mod check;
mod convert;
mod cost;
mod env;
mod error;
mod expression;
mod facts;
mod key;
mod leaf;
mod place;
mod syntax;
mod term;
mod variable;

pub use error::{EvalError, ParseError};
pub use expression::Expression;
pub use facts::Facts;
pub use key::{InvalidKeyPath, KeyPath};
pub use variable::{Hint, Variable, VariableSet};

#[cfg(test)]
mod samples;
