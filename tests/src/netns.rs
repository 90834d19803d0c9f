//! A network namespace for one test: what it does to addresses nobody else sees.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::unshared;
pub use crate::unshared::Place;

/// Runs the test `name` again in a network namespace of its own, with these addresses on its loopback device.
///
/// # Errors
/// The inner run fails.
pub fn enter(name: &str, addresses: &[&str]) -> anyhow::Result<Place> {
    let place = unshared::enter(name, "--net", &["ip", "link", "set", "lo", "up"])?;
    match place {
        Place::Inside => {
            ip(&["link", "set", "lo", "up"])?;
            for address in addresses {
                ip(&["address", "add", address, "dev", "lo"])?;
            }
        }
        Place::Outside => {}
        Place::Refused => {
            let what = "this machine permits no network namespaces (unshare --net; ip link)";
            unshared::say_loudly(&format!("SKIPPED {name}: {what}"))?;
        }
    }
    Ok(place)
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("ip").args(arguments).status().context("ip")?;
    ensure!(status.success(), "ip {arguments:?}: {status}");
    Ok(())
}
