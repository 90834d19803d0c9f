//! YAML that knows on which line everything stands, so that a problem can be shown where it is.
//!
//! Pure. Sizes and depths are bounded by the parser's own budget.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    line: u64,
    content: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, u64, Node)>),
}

/// Why a text is not YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where, counted from 1.
    pub(crate) line: u64,
    /// What the parser says.
    pub(crate) message: String,
}

/// The documents of a text, without empty ones.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    serde_saphyr::from_multiple(text).map_err(|error| Fault {
        line: error.location().map_or(1, |location| location.line()),
        message: error.without_snippet().to_string(),
    })
}

impl Node {
    /// The line on which it begins, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The same without lines.
    pub(crate) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(items) => items.iter().map(Self::value).collect(),
            Content::Mapping(members) => {
                members.iter().map(|(key, _, value)| (key.clone(), value.value())).collect::<Map<_, _>>().into()
            }
        }
    }

    /// A member of a mapping.
    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The items of a sequence; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(items) => items,
            Content::Scalar(_) | Content::Mapping(_) => &[],
        }
    }

    /// The line of a field, written as `spec.servers[1].name`; of as much of it as there is.
    pub(crate) fn line_of(&self, field: &str) -> u64 {
        let (mut node, mut line) = (self, self.line);
        for step in field.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match step.strip_suffix(']').map(str::parse::<usize>) {
                Some(Ok(index)) => node.items().get(index).map(|item| (item.line, item)),
                _ => node.entry(step),
            };
            let Some(found) = next else { break };
            (line, node) = found;
        }
        line
    }

    fn entry(&self, key: &str) -> Option<(u64, &Self)> {
        match &self.content {
            Content::Mapping(members) => {
                members.iter().find(|(name, _, _)| name == key).map(|(_, line, value)| (*line, value))
            }
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Content;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Content, E> {
        self.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Content::Scalar(number.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Content::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = access.next_entry::<Spanned<String>, Node>()? {
            members.push((key.value, key.referenced.line(), value));
        }
        Ok(Content::Mapping(members))
    }
}

#[cfg(test)]
mod tests;
