//! A network namespace for one test: the test's own program runs itself again inside it, so that everything that it starts is inside too.
//!
//! Nothing of it outlives the test: the kernel drops the namespace with its last process.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// Tells the inner run that it is inside.
const INSIDE: &str = "PORTOLAN_TEST_NETNS";

/// Where a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In its namespace: go on.
    Inside,
    /// Outside, and the run inside has passed, or namespaces are not to be had here.
    Outside,
}

/// Runs the test `name` again in a network namespace of its own, with these addresses on its loopback device.
///
/// # Errors
/// The inner run fails.
pub fn enter(name: &str, addresses: &[&str]) -> anyhow::Result<Place> {
    if env::var_os(INSIDE).is_some() {
        ip(&["link", "set", "lo", "up"])?;
        for address in addresses {
            ip(&["address", "add", address, "dev", "lo"])?;
        }
        return Ok(Place::Inside);
    }
    let Some(flags) =
        [&["--net"][..], &["--user", "--map-root-user", "--net"]].into_iter().find(|flags| permitted(flags))
    else {
        // Not the macro: the harness would keep its words to itself.
        writeln!(
            std::io::stderr(),
            "\nSKIPPED {name}: this machine permits no network namespaces (unshare --net; ip link)"
        )?;
        return Ok(Place::Outside);
    };
    let status = Command::new("unshare")
        .args(flags)
        .arg(env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .env_remove("PORTOLAN_TEST_KUBECONFIG") // of a cluster that is outside
        .stdin(Stdio::null())
        .status()
        .context("unshare")?;
    ensure!(status.success(), "inside its network namespace {name} failed: {status}");
    Ok(Place::Outside)
}

fn permitted(flags: &[&str]) -> bool {
    let tried = Command::new("unshare")
        .args(flags)
        .args(["ip", "link", "set", "lo", "up"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("ip").args(arguments).status().context("ip")?;
    ensure!(status.success(), "ip {arguments:?}: {status}");
    Ok(())
}
