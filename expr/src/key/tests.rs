use std::hash::DefaultHasher;

use serde_json::json;

use super::*;
use crate::samples::Sample;

fn hash(paths: &[&str], facts: &Sample) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        KeyPath::parse(path).unwrap_or_else(|error| panic!("{error}")).feed(facts, &mut hasher);
    }
    hasher.finish()
}

#[test]
fn every_kind_of_path_is_taken() {
    for path in [
        "identity.issuer",
        "identity.subject",
        "identity.claims.team",
        "identity.claims[\"https://acme.example/team\"]",
        "tool.name",
        "tool.server",
        "arguments.region",
        "arguments.items[0].id",
        "request.method",
        "request.headers.x-team",
    ] {
        assert!(KeyPath::parse(path).is_ok(), "{path}");
    }
}

#[test]
fn what_is_no_single_value_is_refused() {
    for path in [
        "",
        "identity",
        "identity.foo",
        "identity.claims",
        "arguments",
        "arguments[0]",
        "tool.annotations.readOnlyHint",
        "has(arguments.a)",
        "arguments.?a",
        "tool.colour",
        "request.headers",
        "request.headers.x\"] + \"",
        "1 + 1",
        "user.name",
    ] {
        assert!(KeyPath::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_path_tells_which_argument_it_reads() {
    let argument = |path| KeyPath::parse(path).unwrap().argument().map(str::to_owned);
    assert_eq!(argument("arguments.region.code").as_deref(), Some("region"));
    assert_eq!(argument("identity.claims.region"), None);
}

#[test]
fn different_values_feed_different_bytes() {
    let team = |team: serde_json::Value| Sample { claims: json!({"team": team}), ..Sample::default() };
    let absent = Sample { claims: json!({}), ..Sample::default() };
    let values = [
        team(json!("core")),
        team(json!("web")),
        team(json!(3)),
        team(json!("3")),
        team(json!("")),
        team(json!(null)),
        absent,
    ];
    let hashes: std::collections::BTreeSet<_> =
        values.iter().map(|facts| hash(&["identity.claims.team"], facts)).collect();
    assert_eq!(hashes.len(), values.len());
}

#[test]
fn one_value_does_not_run_into_the_next() {
    let pair = |a: &str, b: &str| Sample { claims: json!({"a": a, "b": b}), ..Sample::default() };
    let paths = ["identity.claims.a", "identity.claims.b"];
    assert_ne!(hash(&paths, &pair("ab", "c")), hash(&paths, &pair("a", "bc")));
}

#[test]
fn headers_are_found_whatever_their_case() {
    assert_eq!(
        hash(&["request.headers.X-Team"], &Sample::default()),
        hash(&["request.headers.x-team"], &Sample::default())
    );
}
