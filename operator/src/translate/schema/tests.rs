use serde_json::json;

use super::*;
use crate::fixtures::{route, server, with};

fn fields(kind: &str, object: &Value) -> Vec<String> {
    faults(kind, object).into_iter().map(|fault| fault.field).collect()
}

#[test]
fn a_misspelt_field_is_found() {
    let object = with(server("web"), "/spec/helth", json!({}));
    assert_eq!(fields("McpServer", &object), ["spec.helth"]);
}

#[test]
fn types_bounds_and_words_are_checked() {
    let object = with(route("r", &["web"]), "/spec/aggregation", json!({"conflict": "Last", "staleFor": 7}));
    assert_eq!(fields("McpRoute", &object), ["spec.aggregation.conflict", "spec.aggregation.staleFor"]);
    let twice = with(route("r", &["web"]), "/spec/hostnames", json!(["a.example", "a.example", "No"]));
    assert_eq!(fields("McpRoute", &twice), ["spec.hostnames[1]", "spec.hostnames[2]"]);
    let incomplete = with(route("r", &["web"]), "/spec/servers", json!([{"name": "a"}]));
    assert_eq!(fields("McpRoute", &incomplete), ["spec.servers[0].serverRef"]);
}

#[test]
fn every_pattern_of_the_schemas_compiles() {
    fn patterns(schema: &Value) -> Vec<String> {
        match schema {
            Value::Object(members) => {
                let own = members.get("pattern").and_then(Value::as_str).map(str::to_owned);
                own.into_iter().chain(members.values().flat_map(patterns)).collect()
            }
            Value::Array(items) => items.iter().flat_map(patterns).collect(),
            _ => Vec::new(),
        }
    }
    let all: Vec<String> = SPECS.values().flat_map(patterns).collect();
    assert_eq!(SPECS.len(), 3);
    assert!(all.len() > 10);
    for pattern in all {
        assert!(Regex::new(&pattern).is_ok(), "{pattern}");
    }
}

#[test]
fn kinds_that_are_not_ours_pass() {
    assert!(fields("Service", &json!({})).is_empty());
}
