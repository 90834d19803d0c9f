//! The official conformance suite finds through a gateway what it finds at the server behind it. What it does not find yet stands in a file.

use std::collections::{BTreeMap, BTreeSet};

use portolan_tests::agent::Agent;
use portolan_tests::conformance::Server;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, route, server};
use portolan_tests::standalone::Standalone;
use portolan_tests::suite::{self, Findings};
use serde_json::json;

/// By revision: `scenario`, or `scenario:check`.
const EXPECTED: &str = include_str!("../conformance/expected-failures.yaml");

/// Scenarios of tools, lifecycle, headers and sessions: of these, single checks may be expected to fail, never all.
const HELD: &[&str] = &[
    "server-initialize",
    "server-session-lifecycle",
    "server-stateless",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-error",
    "tools-call-with-progress",
    "json-schema-2020-12",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
    "http-header-validation",
    "http-custom-header-server-validation",
];

/// How many of these each revision has.
const HELD_IN_EACH: usize = 14;

/// Two runs of the same scenarios: at the server, and through a gateway that passes its names on.
async fn both(revision: &str) -> anyhow::Result<(Findings, Findings)> {
    let everything = Server::start().await?;
    let unprefixed = json!([{"name": "everything", "serverRef": {"name": "everything"}, "prefix": ""}]);
    let gateway = Standalone::start(&[
        server("everything", everything.url()),
        merged(route("conformance", "/mcp", &[]), &json!({"spec": {"servers": unprefixed}})),
    ])
    .await?;
    let agent = Agent::modern(&gateway, "/mcp");
    eventually("the tools are listed", async || agent.names().await.ok().filter(|names| !names.is_empty())).await;
    let direct = suite::run(everything.url(), revision).await?;
    let through = suite::run(&gateway.url("/mcp"), revision).await?;
    Ok((direct, through))
}

/// What differs, as the file of expected failures names it.
fn differences(direct: &Findings, through: &Findings) -> BTreeMap<String, String> {
    let none = suite::Checks::new();
    let mut differing = BTreeMap::new();
    for scenario in direct.keys().chain(through.keys()).collect::<BTreeSet<_>>() {
        let (direct, through) = (direct.get(scenario).unwrap_or(&none), through.get(scenario).unwrap_or(&none));
        for check in direct.keys().chain(through.keys()) {
            let (at_server, at_gateway) = (direct.get(check), through.get(check));
            if at_server != at_gateway {
                let what = format!("{at_server:?} at the server, {at_gateway:?} through the gateway");
                differing.insert(format!("{scenario}:{check}"), what);
            }
        }
    }
    differing
}

async fn finds_the_same(revision: &str) -> anyhow::Result<()> {
    let expected: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(EXPECTED)?;
    let expected = expected.get(revision).map(Vec::as_slice).unwrap_or_default();
    let (direct, through) = both(revision).await?;
    let ran = HELD.iter().filter(|scenario| direct.contains_key(**scenario)).count();
    assert_eq!(ran, HELD_IN_EACH, "{revision}: the suite ran {:?}", direct.keys());
    let failing: Vec<_> = direct
        .iter()
        .filter(|(scenario, checks)| {
            HELD.contains(&scenario.as_str()) && checks.values().flatten().any(|status| status == "FAILURE")
        })
        .collect();
    assert!(failing.is_empty(), "two failures prove nothing; the server itself fails {failing:#?}");
    let mut differing = differences(&direct, &through);
    let mut stale = Vec::new();
    for entry in expected {
        let covered =
            |name: &String| name == entry || name.split_once(':').is_some_and(|(scenario, _)| scenario == entry);
        let before = differing.len();
        differing.retain(|name, _| !covered(name));
        if differing.len() == before {
            stale.push(entry);
        }
        assert!(!HELD.contains(&entry.as_str()), "{entry} must hold: expect single checks of it to fail, if any");
    }
    assert!(differing.is_empty(), "{revision}: not as the server behind: {differing:#?}");
    assert!(stale.is_empty(), "{revision}: these hold now and are to leave the file: {stale:#?}");
    Ok(())
}

#[tokio::test]
async fn in_a_session_the_suite_finds_through_the_gateway_what_it_finds_at_the_server() -> anyhow::Result<()> {
    finds_the_same("2025-11-25").await
}

#[tokio::test]
async fn without_a_session_the_suite_finds_through_the_gateway_what_it_finds_at_the_server() -> anyhow::Result<()> {
    finds_the_same("2026-07-28").await
}
