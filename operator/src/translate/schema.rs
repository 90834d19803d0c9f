//! Compares an object with its CRD's schema, as the API server would: types, bounds, patterns, unknown fields and unique entries.
//!
//! The CRDs' CEL rules are not here: `validate` and `rules` say them in Rust.

use std::{collections::BTreeMap, sync::LazyLock};

use portolan_crds::manifest;
use regex::Regex;
use serde_json::Value;

/// Where an object departs from its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field: `spec.servers[0].name`.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// The schemas of `spec`, by kind.
static SPECS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let spec = |definition: &Value| {
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
    };
    let definitions =
        manifest::definitions().into_iter().filter_map(|definition| serde_json::to_value(definition).ok());
    definitions
        .filter_map(|definition| Some((definition["spec"]["names"]["kind"].as_str()?.to_owned(), spec(&definition))))
        .collect()
});

/// What the schema of `kind` says of an object's JSON; nothing for kinds that are not ours.
#[must_use]
pub fn faults(kind: &str, object: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(schema) = SPECS.get(kind) {
        match object.get("spec") {
            Some(spec) => walk(schema, spec, "spec", &mut faults),
            None => add(&mut faults, "spec", "is missing"),
        }
    }
    faults
}

fn add(faults: &mut Vec<Fault>, field: &str, message: impl Into<String>) {
    faults.push(Fault { field: field.to_owned(), message: message.into() });
}

fn walk(schema: &Value, value: &Value, field: &str, faults: &mut Vec<Fault>) {
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let words: Vec<String> =
            allowed.iter().filter(|word| !word.is_null()).map(|word| word.to_string().replace('"', "")).collect();
        return add(faults, field, format!("must be one of {}", words.join(", ")));
    }
    match (schema["type"].as_str(), value) {
        (_, Value::Null) if schema["nullable"] == true => {}
        (Some("object"), Value::Object(_)) => object(schema, value, field, faults),
        (Some("array"), Value::Array(items)) => array(schema, items, field, faults),
        (Some("string"), Value::String(string)) => text(schema, string, field, faults),
        (Some("integer" | "number"), Value::Number(number)) => between(schema, number.as_f64(), field, faults),
        (Some("boolean"), Value::Bool(_)) | (None, Value::Number(_)) => {}
        (None, Value::String(string)) => text(schema, string, field, faults),
        (Some(kind), _) => add(faults, field, format!("must be of type {kind}")),
        (None, _) => add(faults, field, "is of a wrong type"),
    }
}

fn object(schema: &Value, value: &Value, field: &str, faults: &mut Vec<Fault>) {
    let Some(members) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(required) {
            add(faults, &format!("{field}.{required}"), "is missing");
        }
    }
    if schema["maxProperties"].as_u64().is_some_and(|most| members.len() as u64 > most) {
        add(faults, field, format!("must have at most {} entries", schema["maxProperties"]));
    }
    for (name, member) in members {
        let place = format!("{field}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) => {
                add(faults, &place, "is no field of this kind: a later version's, or misspelt");
            }
            (Value::Null, others) => walk(others, member, &place, faults),
            (own, _) => walk(own, member, &place, faults),
        }
    }
}

fn array(schema: &Value, items: &[Value], field: &str, faults: &mut Vec<Fault>) {
    let count = items.len() as u64;
    if schema["minItems"].as_u64().is_some_and(|least| count < least) {
        add(faults, field, format!("must have at least {} entries", schema["minItems"]));
    }
    if schema["maxItems"].as_u64().is_some_and(|most| count > most) {
        // What follows would cost as much as the list is long.
        return add(faults, field, format!("must have at most {} entries", schema["maxItems"]));
    }
    for (index, item) in items.iter().enumerate() {
        walk(&schema["items"], item, &format!("{field}[{index}]"), faults);
        let same = |other: &Value| match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => other == item,
            Some("map") => schema["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .all(|key| other[key] == item[key]),
            _ => false,
        };
        if items[..index].iter().any(same) {
            add(faults, &format!("{field}[{index}]"), "is there twice");
        }
    }
}

fn text(schema: &Value, text: &str, field: &str, faults: &mut Vec<Fault>) {
    let count = text.chars().count() as u64;
    if schema["minLength"].as_u64().is_some_and(|least| count < least) {
        return add(faults, field, "must not be empty");
    }
    if schema["maxLength"].as_u64().is_some_and(|most| count > most) {
        return add(faults, field, format!("must have at most {} characters", schema["maxLength"]));
    }
    // The patterns are our own: one that does not compile is found by the test that compiles them all.
    let pattern = schema["pattern"].as_str().and_then(|pattern| Regex::new(pattern).ok());
    if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
        add(faults, field, format!("must match {}", schema["pattern"]));
    }
}

fn between(schema: &Value, number: Option<f64>, field: &str, faults: &mut Vec<Fault>) {
    let Some(number) = number else { return };
    if schema["minimum"].as_f64().is_some_and(|least| number < least) {
        add(faults, field, format!("must be at least {}", schema["minimum"]));
    }
    if schema["maximum"].as_f64().is_some_and(|most| number > most) {
        add(faults, field, format!("must be at most {}", schema["maximum"]));
    }
}

#[cfg(test)]
mod tests;
