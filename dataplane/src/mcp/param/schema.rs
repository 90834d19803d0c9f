//! Finds the annotations of a schema, and refuses those that no client could follow.

use http::HeaderName;
use serde_json::{Map, Value};

use super::{ParamHeader, ParamKind};
use crate::mcp::headers::PARAM_PREFIX;

const ANNOTATION: &str = "x-mcp-header";
/// Most annotations of one tool: each costs a walk over the arguments and a header.
const MAX_PARAMS: usize = 32;

/// An annotation that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {ANNOTATION}: {0}")]
pub struct InvalidAnnotation(&'static str);

/// Keywords whose value is a schema, a list of schemas, or a map of schemas.
pub(super) const ONE: [&str; 11] = [
    "items",
    "additionalProperties",
    "additionalItems",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
pub(super) const LISTS: [&str; 5] = ["prefixItems", "items", "allOf", "anyOf", "oneOf"];
pub(super) const MAPS: [&str; 5] = ["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

pub(super) fn collect(input_schema: &[u8]) -> Result<Vec<ParamHeader>, InvalidAnnotation> {
    let schema: Value =
        serde_json::from_slice(input_schema).map_err(|_| InvalidAnnotation("the schema is not JSON"))?;
    let mut found = Vec::new();
    walk(&schema, Some(&mut Vec::new()), &mut found)?;
    Ok(found)
}

/// `path` leads here through `properties` only; without one, no annotation may be here. serde_json bounds the depth.
fn walk(
    schema: &Value,
    mut path: Option<&mut Vec<String>>,
    found: &mut Vec<ParamHeader>,
) -> Result<(), InvalidAnnotation> {
    let Value::Object(schema) = schema else { return Ok(()) };
    if let Some(annotation) = schema.get(ANNOTATION) {
        let path = path.as_ref().ok_or(InvalidAnnotation("not reachable through properties"))?;
        let param = annotated(schema, annotation, path)?;
        if found.iter().any(|other| other.header == param.header) {
            return Err(InvalidAnnotation("two arguments have one header"));
        }
        if found.len() == MAX_PARAMS {
            return Err(InvalidAnnotation("more than 32 arguments are mirrored"));
        }
        found.push(param);
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (name, property) in properties {
            match &mut path {
                Some(path) => {
                    path.push(name.clone());
                    walk(property, Some(path), found)?;
                    path.pop();
                }
                None => walk(property, None, found)?,
            }
        }
    }
    let lists = LISTS.iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
    let maps = MAPS.iter().filter_map(|key| schema.get(*key)?.as_object()).flat_map(Map::values);
    let ones = ONE.iter().filter_map(|key| schema.get(*key));
    ones.chain(lists).chain(maps).try_for_each(|unreachable| walk(unreachable, None, found))
}

fn annotated(
    schema: &Map<String, Value>,
    annotation: &Value,
    path: &[String],
) -> Result<ParamHeader, InvalidAnnotation> {
    let word = annotation.as_str().filter(|word| !word.is_empty()).ok_or(InvalidAnnotation("not a word"))?;
    let kind = match schema.get("type").and_then(Value::as_str) {
        Some("string") => ParamKind::String,
        Some("integer") => ParamKind::Integer,
        Some("boolean") => ParamKind::Boolean,
        _ => return Err(InvalidAnnotation("the argument is neither a string nor an integer nor a boolean")),
    };
    // The prefix stays whatever the word is, so no annotation can name a header that means something else.
    let header = HeaderName::try_from(format!("{PARAM_PREFIX}{word}")).map_err(|_| InvalidAnnotation("not a token"))?;
    Ok(ParamHeader { header, path: path.to_vec(), kind })
}
