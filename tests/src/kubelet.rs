//! Mounts a Secret into a folder as kubelet does: links through `..data` into a folder of one version, swapped at once.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt as _, watcher::watch_object},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::eventually::eventually;

/// A mounted Secret; unmounted from the test's end on.
pub struct Mount {
    /// Where its files are.
    pub folder: PathBuf,
    late: watch::Sender<bool>,
    following: JoinHandle<io::Result<()>>,
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Mount {
    /// Mounts a Secret, and returns when its files are there.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn start(client: &Client, namespace: &str, secret: &str, folder: PathBuf) -> Self {
        let (late, waits) = watch::channel(false);
        let api = Api::namespaced(client.clone(), namespace);
        let following = tokio::spawn(follow(api, secret.to_owned(), folder.clone(), waits));
        eventually(&format!("Secret {secret} is mounted"), async || folder.join("..data").exists().then_some(())).await;
        Self { folder, late, following }
    }

    /// Whether new versions wait: a kubelet that is late.
    pub fn be_late(&self, late: bool) {
        self.late.send_replace(late);
    }
}

async fn follow(api: Api<Secret>, name: String, folder: PathBuf, mut late: watch::Receiver<bool>) -> io::Result<()> {
    let mut versions = watch_object(api, &name).default_backoff().boxed();
    fs::create_dir_all(&folder)?;
    let mut newest = None;
    loop {
        tokio::select! {
            version = versions.next() => match version {
                Some(Ok(Some(secret))) => newest = Some(secret),
                Some(_) => {}
                None => return Ok(()),
            },
            changed = late.changed() => if changed.is_err() { return Ok(()) },
        }
        if !*late.borrow()
            && let Some(secret) = newest.take()
        {
            swap(&folder, &secret)?;
        }
    }
}

fn swap(folder: &Path, secret: &Secret) -> io::Result<()> {
    let version = format!("..{}", secret.metadata.resource_version.as_deref().unwrap_or("0"));
    fs::create_dir_all(folder.join(&version))?;
    let before = fs::read_link(folder.join("..data")).ok();
    for (name, bytes) in secret.data.iter().flatten() {
        fs::write(folder.join(&version).join(name), &bytes.0)?;
    }
    symlink(&version, folder.join("..data_tmp"))?;
    fs::rename(folder.join("..data_tmp"), folder.join("..data"))?;
    for name in secret.data.iter().flatten().map(|(name, _)| name) {
        if !folder.join(name).exists() {
            symlink(Path::new("..data").join(name), folder.join(name))?;
        }
    }
    match before {
        Some(before) if before != Path::new(&version) => fs::remove_dir_all(folder.join(before)),
        _ => Ok(()),
    }
}
