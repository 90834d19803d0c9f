//! A fleet under chaos: a short seeded run for every test run, and a long one for whoever asks (`make chaos`).

use std::time::Duration;

use portolan_tests::{
    chaos::{self, Plan},
    unshared::{self, Place},
};

/// The seed of the short run, and the first one of the long runs.
const SEED: u64 = 20_261_126;
/// Faults of the short run.
const SHORT: u64 = 25;
/// Faults of each long run.
const LONG: u64 = 600;
/// Long runs in a row.
const RUNS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_run_keeps_every_claim() -> anyhow::Result<()> {
    in_a_place_of_its_own("a_short_run_keeps_every_claim", variable("CHAOS_SECONDS", SHORT)?, 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten minutes for each of three seeds: make chaos"]
async fn long_runs_keep_every_claim() -> anyhow::Result<()> {
    let runs = if std::env::var_os("CHAOS_SEED").is_some() { 1 } else { RUNS };
    in_a_place_of_its_own("long_runs_keep_every_claim", variable("CHAOS_SECONDS", LONG)?, runs).await
}

/// In a mount namespace, where disks can be full.
async fn in_a_place_of_its_own(name: &str, seconds: u64, runs: u64) -> anyhow::Result<()> {
    let trial = ["mount", "-t", "tmpfs", "portolan-chaos", "/mnt"];
    let mount = match unshared::enter(name, "--mount", &trial)? {
        Place::Outside => return Ok(()),
        Place::Inside => true,
        Place::Refused => {
            unshared::say_loudly(&format!(
                "{name}: this machine permits no mounts (unshare --mount; mount -t tmpfs): NO DISK IS FULL OR READ-ONLY, only one file is in the way"
            ))?;
            false
        }
    };
    let first = variable("CHAOS_SEED", SEED)?;
    for seed in first..first + runs {
        let report = chaos::run(Plan { seed, length: Duration::from_secs(seconds), mount }).await?;
        unshared::say_loudly(&report.to_string())?;
        anyhow::ensure!(report.holds(), "with seed {seed} a claim fails");
    }
    Ok(())
}

fn variable(name: &str, otherwise: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|error| anyhow::anyhow!("{name}={text}: {error}")),
        Err(_) => Ok(otherwise),
    }
}
