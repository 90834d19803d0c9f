//! The one environment of all expressions: the functions that they may call.
//!
//! Only functions whose cost is linear in what they are given. `matches` is ours: its pattern was compiled with the expression.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError, extensions};
use regex::Regex;

/// Name of the function that stands for `text.matches("pattern")`: not a name that users can write.
pub(crate) const MATCHES: &str = "@matches";

/// Functions called with parentheses alone.
pub(crate) const GLOBAL: [&str; 7] = ["size", "string", "int", "uint", "double", "bool", "dyn"];
/// Functions called on a value.
pub(crate) const MEMBER: [&str; 11] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "lowerAscii",
    "upperAscii",
    "trim",
    "hasValue",
    "value",
    "orValue",
    "or",
];
/// Functions of the name space `optional`.
pub(crate) const OPTIONAL: [&str; 2] = ["of", "none"];

static PATTERN_TYPE: Type = Type::new_unspecified_type("@pattern");

/// Made once: building the library's functions costs more than any expression.
pub(crate) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Neither can fail: the names are free in a fresh environment. If one did, expressions that use it would fail to evaluate, and so be closed.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_overload(MATCHES, "matches_compiled", vec![STRING_TYPE, PATTERN_TYPE.to_owned()], matches);
    Arc::new(env)
});

#[expect(clippy::needless_pass_by_value, reason = "the library's function type")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let answer = match arguments.as_slice() {
        [text, pattern] => text.downcast_ref::<CelString>().zip(pattern.downcast_ref::<Pattern>()),
        _ => None,
    };
    let (text, pattern) = answer.ok_or_else(|| ExecutionError::function_error("matches", "needs a text"))?;
    Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner()))))
}

/// A compiled pattern as a value.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
