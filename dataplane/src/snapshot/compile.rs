//! Makes snapshots: keeps what is in force by name, joins it, and re-uses every joined part whose inputs are unchanged.
//!
//! Runs beside the workers, never on one. A resource that does not compile is refused by name and its last good version goes on; what it is not
//! on, or everything where there is none, is closed. Nothing here may let a faulty resource touch another.

mod join;

use std::collections::BTreeMap;
use std::sync::Arc;

use portolan_config::delta::client::Change;
use portolan_config::{Kind, Name, Version, proto};
use sha2::{Digest, Sha256};

use super::parts::Part;
use super::route::Route;
use super::server::Server;
use super::{Snapshot, Source};
use crate::jwks::{self, KeySets};
use crate::probe::{Credential, Target, Timing};
use crate::telemetry::Metrics;
use crate::upstream::Dialer;

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
    servers: BTreeMap<Name, Joined<Server>>,
    routes: BTreeMap<Name, Joined<Route>>,
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
            servers: BTreeMap::new(),
            routes: BTreeMap::new(),
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
            self.parts.remove(name);
            self.closing.remove(name);
        }
        let mut rejected = Vec::new();
        for (name, version, bytes) in &change.upserts {
            match Part::parse(name, bytes) {
                Ok(part) => {
                    self.closing.remove(name);
                    self.parts.insert(name.clone(), InForce { version: *version, part });
                }
                Err(reason) => {
                    self.close(name, dependents(name, bytes));
                    rejected.push(proto::Rejected { name: name.to_string(), version: version.to_string(), reason });
                }
            }
        }
        for (name, version, dependents) in &change.held {
            // A last good version that this gateway refused is on more, perhaps, than the edit names.
            let refused = self.closing.remove(name).filter(|_| version.is_some() && !self.parts.contains_key(name));
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
        let policies = self.parts.values().filter_map(|entry| match &entry.part {
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
        self.closing.insert(name.clone(), closed);
    }

    /// Joins what is in force.
    pub fn snapshot(&mut self) -> Snapshot {
        let attachments = self.attachments();
        self.servers = self.join_servers(&attachments);
        self.routes = self.join_routes(&attachments);
        let (by_host, any_host) = self.table();
        self.ended = self.ended();
        let fleet = self.fleet();
        Snapshot {
            id: self.identity(),
            epoch: self.epoch,
            source: self.source,
            resources: Arc::new(self.parts.iter().map(|(name, entry)| (name.clone(), entry.version)).collect()),
            pods: fleet.map_or(1, |(_, fleet)| fleet.pods.max(1)),
            by_host,
            any_host,
            servers: self.servers.iter().map(|(name, joined)| (name.clone(), Arc::clone(&joined.value))).collect(),
            ended: Arc::clone(&self.ended.1),
        }
    }

    /// The servers that this gateway lists and probes.
    pub fn assigned(&self) -> Vec<Target> {
        let names = self.parts.values().filter_map(|entry| match &entry.part {
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
        self.parts.values().find_map(|entry| match &entry.part {
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

    fn identity(&self) -> Arc<str> {
        let mut hasher = Sha256::new();
        for (name, entry) in &self.parts {
            // Assignments differ from gateway to gateway; all else is the same on each that serves the same.
            if name.kind() != Kind::Assignment {
                hasher.update(format!("{name}@{}\n", entry.version));
            }
        }
        hex::encode(&hasher.finalize()[..16]).into()
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
