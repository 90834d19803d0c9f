//! The official conformance suite, run against one endpoint, and what it found there, check by check.
//!
//! It must never judge: which findings are right is for its callers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::official;

/// Longest run of one set of scenarios. It takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Of one scenario: the statuses of each check, sorted, since one check may be made several times.
pub type Checks = BTreeMap<String, Vec<String>>;

/// What one run found, by scenario.
pub type Findings = BTreeMap<String, Checks>;

#[derive(Deserialize)]
struct Check {
    id: String,
    status: String,
}

/// Runs the scenarios that a revision requires, and those that its suite runs without scoring them.
///
/// # Errors
/// The suite cannot be run, does not end, or leaves no findings.
pub async fn run(url: &str, revision: &str) -> anyhow::Result<Findings> {
    official::install().await?;
    let results = tempfile::tempdir()?;
    let mut suite = Command::new(official::installed("mcp-conformance"));
    suite.args(["server", "--url", url, "--requirements", revision, "-o"]).arg(results.path());
    suite.stdin(Stdio::null()).kill_on_drop(true);
    // How it ends says whether all is well, which is not for us to say.
    let output = tokio::time::timeout(PATIENCE, suite.output()).await.context("the suite does not end")??;
    let findings = read(results.path())?;
    ensure!(!findings.is_empty(), "the suite found nothing: {}", String::from_utf8_lossy(&output.stderr));
    Ok(findings)
}

/// Reads `server-SCENARIO-TIME/checks.json`.
fn read(results: &Path) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for entry in fs::read_dir(results)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let scenario = scenario(&name).with_context(|| format!("{name} names no scenario"))?;
        let checks: Vec<Check> = serde_json::from_slice(&fs::read(entry.path().join("checks.json"))?)?;
        let found = findings.entry(scenario.to_owned()).or_default();
        for check in checks {
            found.entry(check.id).or_default().push(check.status);
        }
        found.values_mut().for_each(|statuses| statuses.sort());
    }
    Ok(findings)
}

/// The scenario that a folder of results belongs to.
fn scenario(folder: &str) -> Option<&str> {
    // The time is `YYYY-MM-DDTHH-MM-SS-mmmZ`.
    let (name, _) = folder.strip_prefix("server-")?.rsplit_once('T')?;
    name.len().checked_sub("-YYYY-MM-DD".len()).map(|end| &name[..end])
}
