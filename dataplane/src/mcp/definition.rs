//! What a server says of a tool, kept as it was said: the definition's bytes and where its parts are.
//!
//! A definition that one strict client would refuse spoils the whole list for it, so such a tool is left out, with a reason. Hints are claims:
//! whoever decides by them must know that an administrator vouched for them.

use bytes::Bytes;
pub use portolan_config::exposure::Hints;

use super::json::{Kind, Reader, SyntaxError, Value, string};
use super::revision::Era;
use super::span::{Member, Span, Text};
use super::splice::Splice;

/// Why a definition is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid tool definition: {0}")]
pub struct InvalidDefinition(pub String);

impl From<SyntaxError> for InvalidDefinition {
    fn from(error: SyntaxError) -> Self {
        Self(format!("{} at byte {}", error.what, error.at))
    }
}

/// Longest name in bytes; the specification asks for 128 at most.
const MAX_NAME: usize = 256;

/// A tool's definition.
#[derive(Debug, Clone)]
pub struct Definition {
    body: Bytes,
    name: String,
    object: Span,
    name_text: Text,
    description: Option<(Member, Text)>,
    hints: Hints,
    input_schema: Span,
    output_schema: Option<(Member, bool)>,
}

#[derive(Default)]
struct Parts {
    seen: u32,
    fault: Option<String>,
    name: Option<Text>,
    description: Option<(Member, Text)>,
    hints: Hints,
    input_schema: Option<(Member, bool)>,
    output_schema: Option<(Member, bool)>,
}

const KEYS: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];
const HINTS: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

impl Definition {
    /// Reads a definition: a JSON object with a name and an `inputSchema` of type object.
    ///
    /// # Errors
    /// [`InvalidDefinition`] says what is wrong, for status and logs.
    pub fn parse(body: &Bytes) -> Result<Self, InvalidDefinition> {
        let mut parts = Parts::default();
        let mut reader = Reader::tolerant(body)?;
        let object = reader.object(|reader, key| parts.member(reader, body, key))?;
        reader.end()?;
        let invalid = |what: &str| InvalidDefinition(what.to_owned());
        if let Some(fault) = parts.fault {
            return Err(InvalidDefinition(fault));
        }
        let name_text = parts.name.ok_or_else(|| invalid("there is no name"))?;
        let name = name_text.decode(body).into_owned();
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(invalid("the name is empty, too long or holds control characters"));
        }
        let input_schema = match parts.input_schema {
            Some((member, true)) => member.value,
            _ => return Err(invalid("inputSchema is not a schema of type object")),
        };
        let (description, hints, output_schema) = (parts.description, parts.hints, parts.output_schema);
        Ok(Self { body: body.clone(), name, object, name_text, description, hints, input_schema, output_schema })
    }

    /// The server's own name of the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hints that the server claims.
    #[must_use]
    pub fn claimed_hints(&self) -> Hints {
        self.hints
    }

    /// `inputSchema`, JSON.
    #[must_use]
    pub fn input_schema(&self) -> &[u8] {
        self.input_schema.of(&self.body)
    }

    /// The whole definition as the server sent it.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// Whether legacy agents are shown something else than modern ones: before 2026-07-28 an `outputSchema` is of type object or not there.
    #[must_use]
    pub fn differs_by_era(&self) -> bool {
        self.output_schema.is_some_and(|(_, object)| !object)
    }

    /// The definition as agents see it: under its exposed name, with another description if the route gives one. Nothing else is touched.
    #[must_use]
    pub fn render(&self, exposed: &str, description: Option<&str>, era: Era) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if exposed != self.name {
            splice.replace(self.name_text.span, string(exposed));
        }
        match (description, self.description) {
            (Some(new), Some((member, _))) => drop(splice.replace(member.value, string(new))),
            (Some(new), None) => {
                let member = [b"\"description\":", string(new).as_slice()].concat();
                splice.insert_member_first(self.object, member);
            }
            (None, _) => {}
        }
        if let (Era::Legacy, Some((member, false))) = (era, self.output_schema) {
            splice.remove_member(member);
        }
        splice.finish()
    }
}

impl Parts {
    fn refuse(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }

    fn member(&mut self, reader: &mut Reader<'_>, body: &[u8], key: Text) -> Result<(), SyntaxError> {
        let known = KEYS.iter().position(|name| key.is(body, name)).map(|index| KEYS[index]);
        self.once(known, &KEYS, 0);
        let object = reader.peek() == Some(b'{');
        match known {
            Some("annotations") if object => {
                reader.object(|reader, key| self.hint(reader, body, key))?;
            }
            Some("inputSchema") if object => self.input_schema = Some(schema(reader, body, key)?),
            Some("outputSchema") if object => self.output_schema = Some(schema(reader, body, key)?),
            _ => {
                let value = reader.value()?;
                match (known, value.text()) {
                    (None, _) | (Some("title"), Some(_)) => {}
                    (Some("name"), Some(text)) => self.name = Some(text),
                    (Some("description"), Some(text)) => self.description = Some((Member::new(key, value.span), text)),
                    (Some(name), _) => self.refuse(format!("{name} has the wrong type")),
                }
            }
        }
        Ok(())
    }

    fn hint(&mut self, reader: &mut Reader<'_>, body: &[u8], key: Text) -> Result<(), SyntaxError> {
        let known = HINTS.iter().position(|name| key.is(body, name)).map(|index| HINTS[index]);
        self.once(known, &HINTS, 8);
        let value = reader.value()?;
        let slot = match known {
            Some("readOnlyHint") => &mut self.hints.read_only,
            Some("destructiveHint") => &mut self.hints.destructive,
            Some("idempotentHint") => &mut self.hints.idempotent,
            Some(_) => &mut self.hints.open_world,
            None => return Ok(()),
        };
        match value.kind {
            Kind::True => *slot = Some(true),
            Kind::False => *slot = Some(false),
            _ => self.refuse(format!("{} is not a boolean", known.unwrap_or_default())),
        }
        Ok(())
    }

    fn once(&mut self, known: Option<&str>, names: &[&str], first: u32) {
        let Some(known) = known else { return };
        let index = names.iter().zip(first..).find(|(name, _)| **name == known).map_or(0, |(_, bit)| bit);
        if self.seen & (1 << index) != 0 {
            self.refuse(format!("{known} appears twice"));
        }
        self.seen |= 1 << index;
    }
}

/// A schema, and whether its `type` is object.
fn schema(reader: &mut Reader<'_>, body: &[u8], key: Text) -> Result<(Member, bool), SyntaxError> {
    let mut object = false;
    let span = reader.object(|reader, key| {
        let value: Value = reader.value()?;
        if key.is(body, "type") {
            object = value.text().is_some_and(|text| text.is(body, "object"));
        }
        Ok(())
    })?;
    Ok((Member::new(key, span), object))
}

#[cfg(test)]
mod tests;
