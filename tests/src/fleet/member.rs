//! One process of a fleet: it keeps its name and its address over its restarts.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    process::{Addresses, Process},
    request::Request,
};

/// An operator or a gateway, whether it runs or not.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it listens, once it ran; any port before.
    pub(super) listen: SocketAddr,
    /// Its admin port, like `listen`.
    pub(super) admin: SocketAddr,
    /// Its process, if it runs.
    pub running: Option<Running>,
    /// Flags of its own.
    pub(super) flags: Vec<String>,
    /// Where it looks for operators, if not where they are.
    pub(super) follows: Vec<SocketAddr>,
    paused: bool,
}

/// A process, and where it listens.
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub at: Addresses,
}

impl Member {
    pub(super) fn new(name: String) -> Self {
        let any = ([127, 0, 0, 1], 0).into();
        Self { name, listen: any, admin: any, running: None, flags: Vec::new(), follows: Vec::new(), paused: false }
    }

    /// It was started where it was before.
    pub(super) fn launched(&mut self, process: Process) {
        let at = Addresses { listen: self.listen, admin: self.admin };
        self.running = Some(Running { process, at });
    }

    /// Waits until it is ready.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let Some(running) = &mut self.running else { anyhow::bail!("{} does not run", self.name) };
        running.at = running.process.ready().await?;
        (self.listen, self.admin) = (running.at.listen, running.at.admin);
        Ok(())
    }

    /// Its process.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn running(&self) -> &Running {
        let Some(running) = &self.running else { panic!("{} does not run", self.name) };
        running
    }

    /// Its process, if somebody who asks it would be answered.
    #[must_use]
    pub fn responsive(&self) -> Option<&Running> {
        self.running.as_ref().filter(|_| !self.paused)
    }

    /// Kills it where it stands.
    ///
    /// # Errors
    /// It cannot be killed.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else { panic!("{} does not run", self.name) };
        running.process.kill9()
    }

    /// Asks it to stop, as Kubernetes does, and waits until it has.
    ///
    /// # Errors
    /// It cannot be asked.
    ///
    /// # Panics
    /// When it does not run, or does not stop in time.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else { panic!("{} does not run", self.name) };
        running.process.terminate()?;
        let status = running.process.ended().await;
        anyhow::ensure!(status.success(), "{}: {status}", self.name);
        Ok(())
    }

    /// Stops it in the middle of whatever it does.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.paused = true;
        self.running().process.pause()
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn go_on(&mut self) -> anyhow::Result<()> {
        self.paused = false;
        self.running().process.go_on()
    }
}

impl Running {
    /// Its `/config`.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn config(&self) -> anyhow::Result<Value> {
        Ok(Request::get("/config").send(self.at.admin).await?.json())
    }

    /// A counter or gauge; zero while it has none. `series` is its name with labels, as `/metrics` has them.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn metric(&self, series: &str) -> anyhow::Result<f64> {
        let text = Request::get("/metrics").send(self.at.admin).await?.text();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        Ok(value.unwrap_or_default())
    }
}
