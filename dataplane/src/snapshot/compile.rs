//! Makes snapshots: keeps what is in force by name, joins it, and re-uses every joined part whose inputs are unchanged.
//!
//! Runs beside the workers, never on one. A resource that does not compile is refused by name and its last good version goes on; what it is not
//! on, or everything where there is none, is closed. Nothing here may let a faulty resource touch another.

mod join;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use portolan_config::delta::client::Change;
use portolan_config::{Kind, Name, Version, proto};

use super::parts::Part;
use super::route::Route;
use super::server::Server;
use super::{Shown, Snapshot, Source};
use crate::jwks::{self, KeySets};
use crate::probe::{Credential, Target, Timing};
use crate::telemetry::Metrics;
use crate::upstream::Dialer;
use join::Attachments;
pub use touched::News;
use touched::Touched;

/// What a compiler needs to know about the process that it serves.
#[derive(Clone)]
pub struct Settings {
    /// Worker threads; each keeps idle connections of its own.
    pub workers: usize,
    /// The one outbound dialer.
    pub dialer: Arc<Dialer>,
    /// Whether a route without an `authentication` section serves everybody (standalone on loopback).
    pub open_without_authentication: bool,
    /// Where the resources come from.
    pub source: Source,
    /// Where routes and tools have their counters.
    pub metrics: Metrics,
}

/// A resource in force.
struct InForce {
    version: Version,
    part: Part,
}

/// A joined part, and the versions of everything that went into it.
struct Joined<T> {
    inputs: Vec<Option<Version>>,
    value: Arc<T>,
}

/// Keeps the parts between snapshots.
pub struct Compiler {
    settings: Settings,
    parts: BTreeMap<Name, InForce>,
    /// Names whose newest edit is not in force, with what must be closed for that.
    closing: BTreeMap<Name, Vec<Name>>,
    /// Which policies are on what.
    attachments: Attachments,
    servers: BTreeMap<Name, Joined<Server>>,
    routes: BTreeMap<Name, Joined<Route>>,
    /// The routes that name a server.
    routes_of: BTreeMap<String, BTreeSet<Name>>,
    /// What changed since the last snapshot.
    touched: Touched,
    news: News,
    /// What the next snapshot shares with the last.
    shown: Shown,
    epoch: u64,
    source: Source,
    /// Sessions that were ended, as the fleet's resource of this version lists them.
    ended: (Option<Version>, super::Ended),
    /// What issuers published, by URL.
    key_sets: KeySets,
}

impl Compiler {
    /// A compiler with nothing in force.
    pub fn new(settings: Settings) -> Self {
        Self {
            source: settings.source,
            settings,
            parts: BTreeMap::new(),
            closing: BTreeMap::new(),
            attachments: Attachments::new(),
            servers: BTreeMap::new(),
            routes: BTreeMap::new(),
            routes_of: BTreeMap::new(),
            touched: Touched::default(),
            news: News::default(),
            shown: Shown::default(),
            epoch: 0,
            ended: (None, Arc::default()),
            key_sets: KeySets::default(),
        }
    }

    /// Takes what the process before had in force. Returns what it refuses.
    pub fn restore(&mut self, change: &Change) -> Vec<proto::Rejected> {
        let rejected = self.apply(change);
        self.source = Source::Disk;
        rejected
    }

    /// Takes one step, whole. Returns what it refuses; the rest will be in the next snapshot.
    pub fn apply(&mut self, change: &Change) -> Vec<proto::Rejected> {
        self.source = self.settings.source;
        self.epoch = self.epoch.max(change.epoch);
        for name in change.removed.iter().chain(&change.revoked) {
            self.set(name, None);
            self.open(name);
        }
        let mut rejected = Vec::new();
        for (name, version, bytes) in &change.upserts {
            match Part::parse(name, bytes) {
                Ok(part) => {
                    self.open(name);
                    self.set(name, Some(InForce { version: *version, part }));
                }
                Err(reason) => {
                    self.close(name, dependents(name, bytes));
                    rejected.push(proto::Rejected { name: name.to_string(), version: version.to_string(), reason });
                }
            }
        }
        for (name, version, dependents) in &change.held {
            // A last good version that this gateway refused is on more, perhaps, than the edit names.
            let refused = self.open(name).filter(|_| version.is_some() && !self.parts.contains_key(name));
            self.close(name, dependents.iter().cloned().chain(refused.into_iter().flatten()).collect());
        }
        rejected
    }

    /// What is closed because the newest edit of a name is not in force.
    pub fn closed_by(&self, name: &Name) -> Vec<Name> {
        self.closing.get(name).cloned().unwrap_or_default()
    }

    /// Where policies in force say that issuers publish their keys, each place once.
    pub fn key_sources(&self) -> Vec<jwks::Source> {
        let policies = self.of_kind(Kind::Policy).filter_map(|(_, entry)| match &entry.part {
            Part::Policy(policy) => policy.authentication.as_ref(),
            _ => None,
        });
        let published = policies.flat_map(|section| &section.jwt).filter_map(|jwt| match &jwt.jwks {
            Some(proto::jwt::Jwks::Published(published)) => jwks::Source::parse(published).ok(),
            _ => None,
        });
        let sources: BTreeMap<_, _> = published.map(|source| (Arc::clone(&source.url), source)).collect();
        sources.into_values().collect()
    }

    /// Issuers published something else: whatever reads keys is joined anew.
    pub fn key_sets_changed(&mut self) {
        self.touched.everything = true;
    }

    /// What issuers published.
    pub fn key_sets(&mut self) -> &mut KeySets {
        &mut self.key_sets
    }

    /// An edit of `name` is not in force: what it is on fails closed, but for what the version in force is on.
    fn close(&mut self, name: &Name, dependents: Vec<Name>) {
        let closed: Vec<Name> = match self.part(name.as_str()) {
            None => dependents,
            Some(part) => dependents.into_iter().filter(|dependent| !is_on(part, dependent)).collect(),
        };
        self.open(name);
        self.touched.names.extend(closed.iter().cloned());
        self.closing.insert(name.clone(), closed);
    }

    /// The newest edit of `name` closes nothing any more. What it closed.
    fn open(&mut self, name: &Name) -> Option<Vec<Name>> {
        let closed = self.closing.remove(name)?;
        self.touched.names.extend(closed.iter().cloned());
        Some(closed)
    }

    /// Joins what is in force: what has changed since the last time, and whatever reads it.
    pub fn snapshot(&mut self) -> Snapshot {
        let touched = std::mem::take(&mut self.touched);
        self.join(&touched);
        self.ended = self.ended();
        let fleet = self.fleet();
        Snapshot {
            epoch: self.epoch,
            source: self.source,
            pods: fleet.map_or(1, |(_, fleet)| fleet.pods.max(1)),
            shown: self.shown.clone(),
            ended: Arc::clone(&self.ended.1),
        }
    }

    /// What the snapshots since the last call change for whoever asks servers and issuers.
    pub fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The servers that this gateway lists and probes.
    pub fn assigned(&self) -> Vec<Target> {
        let names = self.of_kind(Kind::Assignment).filter_map(|(_, entry)| match &entry.part {
            Part::Assignment(assignment) => Some(&assignment.servers),
            _ => None,
        });
        let target = |name: &String| {
            let server = &self.servers.get(name.as_str())?.value;
            Some(Target {
                name: server.name.clone(),
                version: self.version(name)?,
                path: server.part.target.clone(),
                authority: server.part.authority.clone(),
                revisions: server.part.revisions.clone(),
                timing: Timing::of(server.part.proto.health.as_ref()),
                credential: match &server.credential {
                    Ok(None) => Credential::None,
                    Ok(Some((name, value))) => Credential::Header(name.clone(), value.clone()),
                    Err(_) => Credential::Missing,
                },
                upstream: Arc::clone(&server.upstream),
            })
        };
        names.flatten().filter_map(target).collect()
    }

    fn fleet(&self) -> Option<(Version, &proto::Fleet)> {
        self.of_kind(Kind::Fleet).find_map(|(_, entry)| match &entry.part {
            Part::Fleet(fleet) => Some((entry.version, fleet)),
            _ => None,
        })
    }

    /// Read anew only when it has changed: there may be very many.
    fn ended(&self) -> (Option<Version>, super::Ended) {
        match self.fleet() {
            Some((version, _)) if self.ended.0 == Some(version) => self.ended.clone(),
            Some((version, fleet)) => (Some(version), ended(fleet)),
            None => (None, Arc::default()),
        }
    }

    /// The resources of a kind, in order of their names.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Name, &InForce)> {
        let first = format!("{kind}/");
        let from = self.parts.range::<str, _>((Bound::Included(first.as_str()), Bound::Unbounded));
        from.take_while(move |(name, _)| name.kind() == kind)
    }

    fn version(&self, name: &str) -> Option<Version> {
        self.parts.get(name).map(|entry| entry.version)
    }

    fn part(&self, name: &str) -> Option<&Part> {
        self.parts.get(name).map(|entry| &entry.part)
    }

    /// Whether an edit that is not in force closes this name.
    fn is_closed(&self, name: &Name) -> bool {
        self.closing.values().any(|closed| closed.contains(name))
    }
}

/// Whether a policy is attached to a target.
fn is_on(part: &Part, target: &Name) -> bool {
    match part {
        Part::Policy(policy) => policy.attachments.iter().any(|attachment| attachment.target == target.as_str()),
        _ => true,
    }
}

/// What must be closed when this body is refused, where nothing older is on it.
fn dependents(name: &Name, bytes: &bytes::Bytes) -> Vec<Name> {
    match portolan_config::Body::decode(name.kind(), bytes) {
        Ok(portolan_config::Body::Policy(policy)) => {
            policy.attachments.iter().filter_map(|attachment| attachment.target.parse().ok()).collect()
        }
        _ => Vec::new(),
    }
}

fn ended(fleet: &proto::Fleet) -> super::Ended {
    let sessions = fleet.ended_sessions.iter();
    sessions
        .filter_map(|one| Some((<[u8; 16]>::try_from(one.session.as_ref()).ok()?, u64::try_from(one.expires).ok()?)))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
