//! Key paths: what a rate limit counts by, such as `identity.subject` or `arguments.region`.

use std::hash::Hasher;

use crate::facts::Facts;
use crate::place::{Chain, Place, Root, Step};
use crate::syntax;
use crate::variable::{Variable, VariableSet};

/// A checked path to one value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPath {
    place: Place,
    variable: Variable,
}

/// Why a path was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKeyPath(String);

impl KeyPath {
    /// Parses `identity.claims.team`, `request.headers.x-team`, `arguments["a b"].region` and the like.
    pub fn parse(source: &str) -> Result<Self, InvalidKeyPath> {
        let refuse = |message: String| InvalidKeyPath(format!("{source:?}: {message}"));
        // Header names are no identifiers of the language, but there is nothing else that they could mean here.
        let header = source
            .strip_prefix("request.headers.")
            .filter(|name| name.bytes().all(is_token))
            .map(|name| format!("request.headers[{name:?}]"));
        let (tree, _) = syntax::parse(header.as_deref().unwrap_or(source)).map_err(|_| refuse(EXPECTED.into()))?;
        let chain = Chain::of(&tree).filter(|chain| !chain.test).ok_or_else(|| refuse(EXPECTED.into()))?;
        let place = chain.resolve().map_err(|(_, message)| refuse(message))?;
        match place.root {
            Root::Variable(variable)
                if place.optional.is_none()
                    && (!variable.is_open() || matches!(place.steps.first(), Some(Step::Key(_)))) =>
            {
                Ok(Self { place, variable })
            }
            _ => Err(refuse(EXPECTED.into())),
        }
    }

    /// The variable that it reads.
    pub fn variables(&self) -> VariableSet {
        let mut set = VariableSet::default();
        set.insert(self.variable);
        set
    }

    /// The argument that it reads, if it reads one.
    pub fn argument(&self) -> Option<&str> {
        match (self.variable, self.place.steps.first()) {
            (Variable::Arguments, Some(Step::Key(name))) => Some(name),
            _ => None,
        }
    }

    /// Feeds the value into a hash. Different values, or none at all, feed different bytes; no value runs into the next one.
    pub fn feed(&self, facts: &dyn Facts, hasher: &mut impl Hasher) {
        match (self.variable, self.place.steps.as_slice()) {
            (Variable::RequestHeaders, [Step::Key(name)]) => feed_text(facts.header(name).as_deref(), hasher),
            (variable, _) if variable.is_open() => {
                let value = facts.json(variable).and_then(|value| self.place.look(value).ok().flatten());
                match value {
                    Some(serde_json::Value::String(text)) => feed_text(Some(text), hasher),
                    None => feed_text(None, hasher),
                    Some(other) => {
                        hasher.write_u8(2);
                        feed_text(Some(&other.to_string()), hasher);
                    }
                }
            }
            (variable, _) => feed_text(facts.string(variable), hasher),
        }
    }
}

const EXPECTED: &str = "not a key: name one value, such as identity.subject, identity.claims.team, tool.name, request.headers.x-team or arguments.region";

/// The bytes of header names (RFC 9110, token) that people use.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn feed_text(text: Option<&str>, hasher: &mut impl Hasher) {
    match text {
        Some(text) => {
            hasher.write_u8(1);
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        }
        None => hasher.write_u8(0),
    }
}

#[cfg(test)]
mod tests;
