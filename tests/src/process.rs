//! A built program that runs for one test: started on free ports, its output kept and shown when the test fails, stopped when the test ends.
//!
//! It must never outlive its test, nor stop anything but the process that it started.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::eventually::eventually;

/// Where a ready process listens, as its ready file says.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Addresses {
    /// Where agents connect.
    pub listen: SocketAddr,
    /// The admin port.
    pub admin: SocketAddr,
}

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    folder: TempDir,
    /// Where it writes, without the name of the stream.
    output: PathBuf,
}

/// Where Cargo puts the programs of the build that this test or benchmark belongs to.
fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // target/debug/deps/NAME-HASH, or target/release/NAME
    let folder = own.parent().context("a program is not where Cargo puts programs")?;
    Ok(if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}

/// A program of this workspace, not started.
///
/// # Errors
/// It has not been built.
pub fn program(name: &str) -> anyhow::Result<Command> {
    let path = programs()?.join(name);
    ensure!(path.is_file(), "{} is missing: run: cargo build --workspace --bins", path.display());
    let mut command = Command::new(path);
    // What the developer's shell says must not change what is tested.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTOLAN_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// Runs a program to its end.
///
/// # Errors
/// It has not been built or does not end in time.
pub async fn run(name: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = tokio::process::Command::from(program(name)?);
    command.args(arguments).kill_on_drop(true);
    tokio::time::timeout(crate::eventually::PATIENCE, command.output())
        .await
        .context("the program does not end")?
        .context("run")
}

impl Process {
    /// Starts a program of this workspace with `--ready-file` and these arguments, and waits until it is ready.
    ///
    /// # Errors
    /// It has not been built, cannot be started, or ends before it is ready.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn start(name: &str, arguments: &[&str]) -> anyhow::Result<(Self, Addresses)> {
        Self::start_in(name, arguments, &[]).await
    }

    /// The same with these environment variables.
    ///
    /// # Errors
    /// It has not been built, cannot be started, or ends before it is ready.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn start_in(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<(Self, Addresses)> {
        let mut process = Self::spawn(name, arguments, environment, None)?;
        let addresses = process.ready().await?;
        Ok((process, addresses))
    }

    /// The same without waiting: [`Process::is_ready`] looks. With `output` what it writes is added to `OUTPUT.stdout` and `OUTPUT.stderr`, which
    /// outlive it.
    ///
    /// # Errors
    /// It has not been built, or cannot be started.
    pub fn spawn(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let output = output.unwrap_or_else(|| folder.path().join("output"));
        let open =
            |stream: &str| OpenOptions::new().append(true).create(true).open(output.with_added_extension(stream));
        let mut command = program(name)?;
        command.args(arguments).arg("--ready-file").arg(folder.path().join("ready")).envs(environment.iter().copied());
        command.stdout(open("stdout")?).stderr(open("stderr")?);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), child, folder, output })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// It ends before.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn ready(&mut self) -> anyhow::Result<Addresses> {
        let what = format!("{} is ready", self.name);
        eventually(&what, async || self.is_ready().transpose()).await
    }

    /// Where it listens, once it is ready.
    ///
    /// # Errors
    /// It ended before.
    pub fn is_ready(&mut self) -> anyhow::Result<Option<Addresses>> {
        if let Ok(text) = fs::read(self.folder.path().join("ready")) {
            return serde_json::from_slice(&text).context("the ready file").map(Some);
        }
        match self.has_ended()? {
            None => Ok(None),
            Some(status) => Err(anyhow::anyhow!("{} ended before it was ready: {status}", self.name)),
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// What it has written to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.output("stdout")
    }

    /// What it has written to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.output("stderr")
    }

    /// Where its standard error goes: for who follows it while it grows.
    #[must_use]
    pub fn stderr_file(&self) -> PathBuf {
        self.output.with_added_extension("stderr")
    }

    fn output(&self, stream: &str) -> String {
        fs::read(self.output.with_added_extension(stream))
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as Kubernetes does.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal("TERM")
    }

    /// Stops it in the middle of whatever it does, until [`Process::go_on`].
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn go_on(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        // The standard library signals nobody, and signals need no unsafe code in a program of their own.
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
        ensure!(sent.success(), "kill -s {name}: {sent}");
        Ok(())
    }

    /// Kills it where it stands.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually(&format!("{} ends", self.name), async || self.child.try_wait().ok().flatten()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for stream in ["stdout", "stderr"] {
                show(&self.name, stream, &self.output(stream));
            }
        }
    }
}

/// The end of what a failed test's process wrote, for the test's own output.
#[expect(clippy::print_stderr, reason = "a failed test is read by people")]
fn show(name: &str, stream: &str, text: &str) {
    const LINES: usize = 40;
    let skipped = text.lines().count().saturating_sub(LINES);
    let tail: Vec<_> = text.lines().skip(skipped).collect();
    eprintln!("---- {name} {stream}\n{}", tail.join("\n"));
}
