//! The API as a real API server sees it: every rule of the CRDs with a case that it lets pass and one that it refuses,
//! defaults, columns and status.

#![expect(clippy::expect_used, reason = "a test may panic, and says what it expected")]

mod case;
mod policy;
mod route;
mod server;
mod stored;

use std::collections::BTreeSet;

use portolan_crds::{McpPolicy, McpRoute, McpServer, manifest::definitions};
use serde_json::Value;

#[tokio::test]
async fn servers_are_accepted_and_refused() {
    case::run::<McpServer>(&server::base(), server::cases()).await;
}

#[tokio::test]
async fn routes_are_accepted_and_refused() {
    case::run::<McpRoute>(&route::base(), route::cases()).await;
}

#[tokio::test]
async fn policies_are_accepted_and_refused() {
    case::run::<McpPolicy>(&policy::base(), policy::cases()).await;
}

#[test]
fn the_operator_judges_servers_in_files_as_the_api_server_does() {
    case::run_offline("McpServer", &server::base(), &server::cases());
}

#[test]
fn the_operator_judges_routes_in_files_as_the_api_server_does() {
    case::run_offline("McpRoute", &route::base(), &route::cases());
}

#[test]
fn the_operator_judges_policies_in_files_as_the_api_server_does() {
    case::run_offline("McpPolicy", &policy::base(), &policy::cases());
}

/// The messages of all CEL rules in a schema, with the field that each is on.
fn rules(path: &str, schema: &Value, found: &mut BTreeSet<(String, String)>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        found.insert((path.to_owned(), rule["message"].as_str().expect("a rule has a message").to_owned()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        rules(&format!("{path}.{name}"), property, found);
    }
    for inner in ["items", "additionalProperties"] {
        if !schema[inner].is_null() {
            rules(path, &schema[inner], found);
        }
    }
}

#[test]
fn every_rule_has_a_case_that_it_lets_pass_and_one_that_it_refuses() {
    let cases = [
        ("McpServer", server::base(), server::cases()),
        ("McpRoute", route::base(), route::cases()),
        ("McpPolicy", policy::base(), policy::cases()),
    ];
    for definition in definitions() {
        let kind = &definition.spec.names.kind;
        let schema = serde_json::to_value(&definition.spec.versions[0].schema).expect("a schema is JSON");
        let mut found = BTreeSet::new();
        rules("spec", &schema["openAPIV3Schema"]["properties"]["spec"], &mut found);
        assert!(!found.is_empty(), "{kind} has rules");
        let (_, base, of_kind) = cases.iter().find(|(name, ..)| name == kind).expect("cases");
        for (path, message) in found {
            let passed = of_kind.iter().any(|case| case.passes(base, &path));
            assert!(passed, "{kind}: no case passes at {path}, where {message:?} is told");
            let refused = of_kind.iter().any(|case| case.refused_by(&path, &message));
            assert!(refused, "{kind}: no case is refused at {path} with {message:?}");
        }
    }
}
