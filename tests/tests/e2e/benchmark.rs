//! The benchmark of a fleet, on a small one: its figures mean nothing here, but that it takes them does.

use std::time::Duration;

use portolan_tests::process::program;
use tokio::process::Command;

/// Longest run: a cluster of its own, a fleet's start, and six times until nothing is written any more.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn the_benchmark_of_a_fleet_runs_to_its_end() -> anyhow::Result<()> {
    let mut command = Command::from(program("bench")?);
    command.args(["--objects", "10", "--edits", "4", "fleet"]).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await??;
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    for row in ["edit to last acknowledgement, 50 a second", "start again to the last gateway's first step"] {
        assert!(table.contains(row), "{table}");
    }
    Ok(())
}
