//! Leaves: questions about one place that need no interpreter, and values that the interpreter is given.

use std::borrow::Cow;

use cel::common::types::{CelBool, CelOptional, CelString};
use cel::common::value::CowVal;
use serde_json::Value;

use crate::convert::{self, Fuel};
use crate::facts::Facts;
use crate::place::{self, Absent, Place, Root};

/// One place and what is asked about it.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) place: Place,
    pub(crate) ask: Ask,
}

/// What is asked about a place. All but `Value` are conditions.
#[derive(Debug)]
pub(crate) enum Ask {
    /// The value itself, or an optional of it; true or false when it stands as a condition.
    Value,
    /// `has(place)`
    Has,
    /// `place == "text"`; with a default, `place.orValue("default") == "text"`
    Equals { text: String, default: Option<String> },
    /// `"text" in place`
    Holds(String),
    /// `place.startsWith("text")`
    StartsWith(String),
    /// `place.endsWith("text")`
    EndsWith(String),
}

/// What stands at a place.
enum Found<'f> {
    Text(Cow<'f, str>),
    Bool(bool),
    Json(&'f Value),
}

impl Found<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(Value::String(text)) => Some(text),
            Self::Json(_) | Self::Bool(_) => None,
        }
    }
}

impl Leaf {
    /// The answer of a condition. `Err`: there is none, and the expression fails.
    pub(crate) fn holds(&self, facts: &dyn Facts) -> Result<bool, Absent> {
        let found = self.find(facts);
        match &self.ask {
            Ask::Value => match found?.ok_or(Absent)? {
                Found::Bool(answer) | Found::Json(&Value::Bool(answer)) if self.place.optional.is_none() => Ok(answer),
                _ => Err(Absent),
            },
            Ask::Has => Ok(found?.is_some()),
            Ask::Equals { text, default: None } => Ok(found?.ok_or(Absent)?.text() == Some(text)),
            Ask::Equals { text, default: Some(default) } => {
                Ok(found?.map_or(default == text, |found| found.text() == Some(text)))
            }
            Ask::Holds(text) => match found?.ok_or(Absent)? {
                Found::Json(Value::Array(elements)) => Ok(elements.iter().any(|one| one.as_str() == Some(text))),
                Found::Json(Value::Object(members)) => Ok(members.contains_key(text)),
                _ => Err(Absent),
            },
            Ask::StartsWith(text) => Ok(found?.ok_or(Absent)?.text().ok_or(Absent)?.starts_with(text.as_str())),
            Ask::EndsWith(text) => Ok(found?.ok_or(Absent)?.text().ok_or(Absent)?.ends_with(text.as_str())),
        }
    }

    /// The leaf as a value of the interpreter.
    pub(crate) fn value<'f>(&'f self, facts: &'f dyn Facts, fuel: &'f Fuel) -> Option<CowVal<'f, 'f>> {
        if !matches!(self.ask, Ask::Value) {
            return self.holds(facts).ok().map(|answer| CowVal::owned(CelBool::from(answer)));
        }
        let value = match self.find(facts).ok()? {
            Some(Found::Text(text)) => Some(CowVal::owned(CelString::from(text))),
            Some(Found::Bool(answer)) => Some(CowVal::owned(CelBool::from(answer))),
            Some(Found::Json(value)) => Some(CowVal::Owned(convert::value(value, fuel)?)),
            None => None,
        };
        if self.place.optional.is_none() {
            return value;
        }
        Some(CowVal::owned(value.map_or_else(CelOptional::none, |value| CelOptional::of(value.into_owned()))))
    }

    fn find<'f>(&'f self, facts: &'f dyn Facts) -> Result<Option<Found<'f>>, Absent> {
        use crate::variable::Variable as V;
        match self.place.root {
            Root::Hint(hint) => Ok(Some(Found::Bool(facts.hint(hint).unwrap_or(hint.default_value())))),
            Root::Variable(V::RequestHeaders) => match self.place.steps.as_slice() {
                [place::Step::Key(name)] => Ok(facts.header(name).map(Found::Text)),
                _ => Err(Absent),
            },
            Root::Variable(variable) if variable.is_open() => {
                let value = facts.json(variable).ok_or(Absent)?;
                Ok(self.place.look(value)?.map(Found::Json))
            }
            Root::Variable(variable) => Ok(facts.string(variable).map(|text| Found::Text(text.into()))),
        }
    }
}
