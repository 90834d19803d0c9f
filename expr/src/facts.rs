//! What an expression is evaluated on.

use std::borrow::Cow;

use serde_json::Value;

use crate::variable::{Hint, Variable};

/// The facts of one call or of one item of a list. Only what an expression names is asked for.
///
/// `None` means that the fact cannot be told (not that it is empty): an expression that needs it fails to evaluate.
pub trait Facts: Sync {
    /// A variable that is a string.
    fn string(&self, variable: Variable) -> Option<&str>;
    /// `identity.claims` or `arguments`, an object.
    fn json(&self, variable: Variable) -> Option<&Value>;
    /// What a trusted annotation says; `None` reads as the specification's default.
    fn hint(&self, hint: Hint) -> Option<bool>;
    /// A header of the request; several of one name are joined by a comma. `None`: there is none.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;
}
