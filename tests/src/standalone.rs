//! `portolan standalone` on a folder of manifests that a test may edit, and what it says of itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::eventually::eventually;
use crate::process::{Addresses, Process};
use crate::request::{Reply, Request};

/// A gateway for one test.
pub struct Standalone {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub addresses: Addresses,
    folder: TempDir,
}

impl Standalone {
    /// Starts one on these objects.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(objects: &[Value]) -> anyhow::Result<Self> {
        Self::with(objects, &[]).await
    }

    /// The same with further flags.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn with(objects: &[Value], flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_in(objects, flags, &[]).await
    }

    /// The same with these environment variables.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_in(objects: &[Value], flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let manifests = folder.path().join("manifests");
        fs::create_dir(&manifests)?;
        for object in objects {
            write(&manifests, object)?;
        }
        let (process, addresses) = launch(folder.path(), flags, environment).await?;
        Ok(Self { process, addresses, folder })
    }

    /// Kills it and starts it again on the same files, somewhere else.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill9()?;
        (self.process, self.addresses) = launch(self.folder.path(), &[], &[]).await?;
        Ok(())
    }

    /// The folder of what outlives the process.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes an object, over the one that has its kind and name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn apply(&self, object: &Value) -> anyhow::Result<()> {
        write(&self.manifests(), object)
    }

    /// Writes a file among the manifests as it is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        replace(&self.manifests().join(name), text)
    }

    /// Removes an object.
    ///
    /// # Errors
    /// There is none.
    pub fn delete(&self, kind: &str, name: &str) -> anyhow::Result<()> {
        fs::remove_file(self.manifests().join(file(kind, name))).context("delete")
    }

    /// The folder of manifests.
    #[must_use]
    pub fn manifests(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    /// The URL of a path where agents connect.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.listen)
    }

    /// Sends a request to where agents connect.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(&self, request: &Request) -> anyhow::Result<Reply> {
        request.send(self.addresses.listen).await
    }

    /// A page of the admin port.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn admin(&self, path: &str) -> anyhow::Result<Reply> {
        Request::get(path).send(self.addresses.admin).await
    }

    /// The audit log so far, line by line.
    ///
    /// # Errors
    /// A line is not JSON.
    pub fn audit(&self) -> anyhow::Result<Vec<Value>> {
        let text = self.audit_text();
        // The last line may still be on its way.
        let whole = text.rsplit_once('\n').map(|(lines, _)| lines).unwrap_or_default();
        whole.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    /// The audit log as it is in the file.
    #[must_use]
    pub fn audit_text(&self) -> String {
        fs::read_to_string(self.folder.path().join("audit")).unwrap_or_default()
    }

    /// Waits for an audit line.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn audited(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || self.audit().ok()?.into_iter().find(|line| is(line))).await
    }
}

async fn launch(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<(Process, Addresses)> {
    let [manifests, audit, data] = ["manifests", "audit", "data"].map(|name| text(&folder.join(name)));
    let mut arguments = vec!["standalone", "-f", &manifests, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    arguments.extend(["--workers", "2", "--audit-log", &audit, "--data-dir", &data]);
    arguments.extend(flags);
    Process::start_in("portolan", &arguments, environment).await
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn file(kind: &str, name: &str) -> String {
    format!("{}-{name}.yaml", kind.to_lowercase())
}

fn write(folder: &Path, object: &Value) -> anyhow::Result<()> {
    let (kind, name) =
        (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default());
    replace(&folder.join(file(kind, name)), &serde_json::to_string_pretty(object)?)
}

/// Whole or not at all, as editors and mounted volumes do it.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_added_extension("partial");
    fs::write(&partial, text)?;
    fs::rename(&partial, path)?;
    Ok(())
}
