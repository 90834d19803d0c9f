//! What a gateway keeps on disk, and takes up again: the last known good configuration, the key sets of issuers, and the highest epoch that it has
//! followed, each in a file of its own.

use std::sync::Arc;

use bytes::Bytes;
use portolan_config::{LastGood, proto};

use super::Client;
use crate::disk::{EpochFile, File, Keeper};
use crate::jwks::{self, KeySets};
use crate::options::Settings;
use crate::request::context::{EndedSession, now};
use crate::telemetry::Metrics;

/// The keepers of the files.
pub struct Kept {
    pub(super) epoch: EpochFile,
    pub(super) last_good: Keeper,
    pub(super) key_sets: Keeper,
}

/// Which of them is to be written.
pub(super) enum Due {
    LastGood,
    KeySets,
}

impl Kept {
    /// Keepers in the data folder, if there is one. A process that reads manifests has its last known good configuration in them.
    #[must_use]
    pub fn new(settings: &Settings, metrics: &Metrics) -> Self {
        let folder = settings.data_dir.as_deref();
        let streamed = folder.filter(|_| !settings.standalone);
        let epoch = EpochFile::new(streamed, &settings.fleet, metrics.clone());
        let last_good = streamed.map(|folder| File::last_good(folder, &settings.fleet));
        let key_sets = folder.map(|folder| File::key_sets(folder, &settings.fleet));
        let [last_good, key_sets] = [last_good, key_sets].map(|file| Keeper::new(file, metrics.clone()));
        Self { epoch, last_good, key_sets }
    }

    /// What is sealed is to be written anew.
    pub(super) fn touch(&mut self) {
        self.last_good.touch();
        self.key_sets.touch();
    }

    /// Ends when one of them is to be written.
    pub(super) async fn due(&mut self) -> Due {
        tokio::select! {
            () = self.last_good.due() => Due::LastGood,
            () = self.key_sets.due() => Due::KeySets,
        }
    }
}

impl Client {
    /// Puts in force what the process before kept. Reads files: before anything is served.
    pub fn restore(&mut self, gateway: &str) {
        let (ring, limits) = (&self.context.ring.current(), &self.context.limits);
        let read = |bytes: &[u8]| jwks::read(bytes, now(), limits.jwks_kept);
        if let Some(sets) = self.kept.key_sets.load(ring, read) {
            *self.follower.compiler.key_sets() = sets;
        }
        self.follower.session.has_followed(self.kept.epoch.load());
        let read = |bytes: &[u8]| LastGood::decode(bytes).map_err(|error| error.to_string());
        let Some(kept) = self.kept.last_good.load(ring, read) else { return };
        let kept = kept.belonging_to(gateway);
        self.context.remember_ended(kept.ended.iter().filter_map(session));
        let (resources, epoch) = (kept.resources.len(), kept.epoch);
        let rejected = self.follower.restore(kept);
        for refusal in &rejected {
            tracing::warn!(name = refusal.name, reason = refusal.reason, "kept resource refused");
        }
        tracing::info!(resources, epoch, "serving the last known good configuration");
        self.put_in_force(rejected.len());
    }

    pub(super) fn keep(&mut self, due: &Due) {
        let context = Arc::clone(&self.context);
        match due {
            Due::LastGood => {
                let mut kept = self.follower.last_good();
                self.kept.last_good.write(move |file, forgotten| {
                    kept.ended = context.ended().iter().map(ended).collect();
                    file.save(&context.ring.current(), forgotten, &kept.encode())
                });
            }
            Due::KeySets => {
                let sets: KeySets = self.follower.compiler.key_sets().clone();
                let save =
                    move |file: &File, forgotten| file.save(&context.ring.current(), forgotten, &jwks::write(sets));
                self.kept.key_sets.write(save);
            }
        }
    }

    /// Leaves nothing unwritten.
    pub(super) async fn keep_all(&mut self) {
        for due in [Due::LastGood, Due::KeySets] {
            let dirty = match due {
                Due::LastGood => self.kept.last_good.settle().await,
                Due::KeySets => self.kept.key_sets.settle().await,
            };
            if dirty {
                self.keep(&due);
            }
        }
        self.kept.last_good.settle().await;
        self.kept.key_sets.settle().await;
    }
}

/// An ended session as the operator is told of it.
pub(super) fn ended((session, expires): &EndedSession) -> proto::EndedSession {
    let session = Bytes::copy_from_slice(session);
    proto::EndedSession { session, expires: i64::try_from(*expires).unwrap_or(i64::MAX) }
}

fn session(ended: &proto::EndedSession) -> Option<EndedSession> {
    Some((<[u8; 16]>::try_from(ended.session.as_ref()).ok()?, u64::try_from(ended.expires).ok()?))
}
