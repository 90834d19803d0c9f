//! A test in namespaces of its own: its own program runs the test again inside them, so that everything that it starts is inside too.
//!
//! Nothing of it outlives the test: the kernel drops a namespace with its last process.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// Tells the inner run that it is inside.
const INSIDE: &str = "PORTOLAN_TEST_UNSHARED";

/// Where a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In its namespaces: go on.
    Inside,
    /// Outside, and the run inside has passed.
    Outside,
    /// Outside, and such namespaces are not to be had here.
    Refused,
}

/// Runs the test `name` again in a namespace of this kind (a flag of `unshare`), if this command runs in one.
///
/// # Errors
/// The inner run fails.
pub fn enter(name: &str, kind: &str, trial: &[&str]) -> anyhow::Result<Place> {
    if env::var_os(INSIDE).is_some() {
        return Ok(Place::Inside);
    }
    let ways = [&[kind][..], &["--user", "--map-root-user", kind]];
    let Some(flags) = ways.into_iter().find(|flags| permitted(flags, trial)) else { return Ok(Place::Refused) };
    let status = Command::new("unshare")
        .args(flags)
        .arg(env::current_exe()?)
        .args(["--exact", name, "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .env_remove("PORTOLAN_TEST_KUBECONFIG") // of a cluster that is outside
        .stdin(Stdio::null())
        .status()
        .context("unshare")?;
    ensure!(status.success(), "inside its namespace {name} failed: {status}");
    Ok(Place::Outside)
}

/// Says something that the harness, which keeps the words of tests that pass to itself, shall not keep.
///
/// # Errors
/// There is no standard error.
pub fn say_loudly(what: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "\n{what}")?)
}

fn permitted(flags: &[&str], trial: &[&str]) -> bool {
    let tried = Command::new("unshare")
        .args(flags)
        .args(trial)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}
