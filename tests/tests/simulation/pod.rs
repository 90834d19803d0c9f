//! A gateway's process: the product's follower, its order of trying operators and its pauses; what it keeps, on a disk that outlives it; and a
//! witness outside the process that forgets nothing and holds it to its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portolan_config::delta::client::{Change, Session};
use portolan_config::proto::{Chunk, FromGateway, ServerFacts, Tool};
use portolan_config::{Body, LastGood, Name, Version, proto};
use portolan_dataplane::config::{
    follower::{Follower, withdraws},
    pauses::Pauses,
    rounds::{Place, Rounds},
};
use portolan_dataplane::snapshot::{Compiler, Snapshot, Source, compile::Settings};

use super::objects;

pub struct Pod {
    pub name: String,
    /// Counts its processes.
    pub life: u64,
    pub follower: Follower,
    pub serves: Snapshot,
    pub rounds: Rounds,
    pub pauses: Pauses,
    /// The connection that it follows.
    pub wire: Option<u64>,
    /// Whether an operator has had it in step on this connection.
    pub served: bool,
    pub paused_until: Duration,
    pub cut_off_until: Duration,
    pub disk: Disk,
    /// Whether a write is due or under way.
    pub keeping: bool,
    pub dirty: bool,
    pub examined: BTreeSet<(Name, Version)>,
    /// Of an older release: it cannot compile what is novel.
    older: bool,
    pub witness: Witness,
}

/// What outlives the process.
#[derive(Default)]
pub struct Disk {
    pub content: Option<Vec<u8>>,
    pub forgotten: u64,
}

/// What really happened, whatever the process remembers of it.
#[derive(Default)]
pub struct Witness {
    epoch: u64,
    in_force: BTreeSet<(Name, Version)>,
    refused: BTreeSet<(Name, Version)>,
    revoked: BTreeSet<Name>,
    pub generations: BTreeMap<Name, u64>,
}

fn fresh(name: &str, settings: &Settings) -> Follower {
    Follower {
        session: Session::new(name.to_owned(), "default".to_owned(), "simulated".to_owned()),
        compiler: Compiler::new(settings.clone()),
    }
}

impl Pod {
    pub fn new(name: String, older: bool, settings: &Settings) -> Self {
        Self {
            follower: fresh(&name, settings),
            name,
            life: 0,
            serves: Snapshot::empty(),
            rounds: Rounds::default(),
            pauses: Pauses::default(),
            wire: None,
            served: false,
            paused_until: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            disk: Disk::default(),
            keeping: false,
            dirty: false,
            examined: BTreeSet::new(),
            older,
            witness: Witness::default(),
        }
    }

    /// The process dies, and begins again from its disk.
    pub fn restart(&mut self, settings: &Settings) {
        // What was under way to the disk is lost with the process, and with it what the process had learnt in the moment before.
        let all_kept = !self.keeping;
        self.life += 1;
        self.follower = fresh(&self.name, settings);
        (self.rounds, self.pauses) = (Rounds::default(), Pauses::default());
        (self.wire, self.served, self.keeping, self.dirty) = (None, false, false, false);
        self.examined.clear();
        self.serves = Snapshot::empty();
        let epoch = self.witness.epoch;
        let Some(bytes) = &self.disk.content else {
            self.witness.epoch = 0;
            return;
        };
        let kept = LastGood::decode(bytes).expect("its own file is in order").belonging_to(&self.name);
        assert!(!all_kept || kept.epoch == epoch, "{}: kept epoch {} of {epoch}", self.name, kept.epoch);
        self.witness.epoch = kept.epoch;
        let rejected = self.follower.restore(kept.clone());
        assert!(rejected.is_empty(), "{}: it kept what it cannot compile: {rejected:?}", self.name);
        assert_eq!(self.follower.last_good(), kept, "{}: it takes up something else than it kept", self.name);
        self.serves = self.follower.compiler.snapshot();
        assert_eq!(self.serves.source, Source::Disk);
        self.witness.check(&self.name, &self.serves);
    }

    /// Whom to try next; `None` is nobody.
    pub fn next_place(&mut self, replicas: usize) -> Option<usize> {
        if self.rounds.is_over() {
            let place = |index| Place { url: 0, address: ([10, 0, 0, 1], 8000 + index as u16).into() };
            self.rounds.begin((0..replicas).map(place).collect());
        }
        self.rounds.turn().map(|place| usize::from(place.address.port() - 8000))
    }

    /// Takes in one step as the product's client does. Gives the acknowledgement.
    pub fn apply(&mut self, change: &Change) -> FromGateway {
        assert!(
            change.epoch >= self.witness.epoch,
            "{}: goes back from epoch {} to {}",
            self.name,
            self.witness.epoch,
            change.epoch
        );
        self.witness.epoch = change.epoch;
        if withdraws(change) {
            self.disk.content = None;
            self.disk.forgotten += 1;
        }
        self.dirty = true;
        let (rejected, ack) = self.follower.apply(&self.as_it_reads(change));
        self.serves = self.follower.compiler.snapshot();
        self.served = true;
        self.witness.heard(change, &rejected);
        self.witness.check(&self.name, &self.serves);
        let acknowledged: BTreeMap<Name, Version> =
            self.follower.session.applied_set().map(|(name, version, _)| (name.clone(), version)).collect();
        let served: BTreeMap<Name, Version> = self.serves.resources().cloned().collect();
        assert_eq!(acknowledged, served, "{}: acknowledges something else than it serves", self.name);
        ack
    }

    /// What an older release makes of what it does not know.
    fn as_it_reads(&self, change: &Change) -> Change {
        let mut change = change.clone();
        for (name, _, body) in change.upserts.iter_mut().filter(|_| self.older) {
            if objects::is_novel(name, body) {
                *body = Bytes::from_static(b"\xff");
            }
        }
        change
    }

    /// Servers that are assigned and were not examined yet in their version.
    pub fn unexamined(&mut self) -> Vec<Name> {
        let assigned: BTreeMap<Name, Version> =
            self.follower.compiler.assigned().into_iter().map(|target| (target.name, target.version)).collect();
        let gone: Vec<Name> = self.examined.iter().map(|(name, _)| name.clone()).collect();
        for name in gone.iter().filter(|name| !assigned.contains_key(*name)) {
            self.follower.session.forget_report(name);
        }
        self.examined.retain(|(name, _)| assigned.contains_key(name));
        assigned.into_iter().filter(|entry| self.examined.insert(entry.clone())).map(|(name, _)| name).collect()
    }

    /// What it finds out about a server: the same as every other pod.
    pub fn report(&mut self, server: &Name) -> FromGateway {
        let definition =
            Bytes::from(serde_json::json!({"name": server.name(), "inputSchema": {"type": "object"}}).to_string());
        let tool = Tool { name: server.name().to_owned(), definition, digest: String::new() };
        let chunk = Body::from(Chunk { tools: vec![tool] }).encode();
        let report = proto::Report {
            server: server.to_string(),
            verified: true,
            reason: "Verified".to_owned(),
            digest: Version::of(&chunk).to_string(),
            facts: Some(ServerFacts { revisions: vec!["2026-07-28".to_owned()], ..ServerFacts::default() }),
            ..proto::Report::default()
        };
        let name = Name::chunk(server.namespace(), server.name(), 0);
        self.follower.session.report(report, vec![(name, chunk)])
    }
}

impl Witness {
    fn heard(&mut self, change: &Change, rejected: &[proto::Rejected]) {
        self.revoked.extend(change.revoked.iter().cloned());
        for (name, version, body) in &change.upserts {
            // Told again: granted again.
            self.revoked.remove(name);
            if rejected.iter().any(|rejected| rejected.name == name.as_str()) {
                self.refused.insert((name.clone(), *version));
                continue;
            }
            self.in_force.insert((name.clone(), *version));
            if let Some(generation) = objects::generation(name, body) {
                let newest = self.generations.entry(name.clone()).or_default();
                *newest = generation.max(*newest);
            }
        }
    }

    /// What must hold of everything that is ever served.
    fn check(&self, pod: &str, serves: &Snapshot) {
        for (name, version) in serves.resources() {
            let entry = (name.clone(), *version);
            assert!(self.in_force.contains(&entry), "{pod}: serves {name} {version}, which it never acknowledged");
            assert!(!self.refused.contains(&entry), "{pod}: serves {name} {version}, which it refused");
            assert!(!self.revoked.contains(name), "{pod}: serves {name}, of which it heard that it is revoked");
        }
    }
}

/// What every simulated gateway compiles with.
pub fn settings() -> Settings {
    let metrics = portolan_dataplane::telemetry::Metrics::new(&portolan_dataplane::limits::Limits::default());
    let dialer = Arc::new(portolan_dataplane::upstream::Dialer::new(Vec::new(), true));
    Settings { workers: 1, dialer, open_without_authentication: true, source: Source::Stream, metrics }
}
