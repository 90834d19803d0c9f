//! Which fault, when, for how long, on whom: a pure function of a seed.
//!
//! Everything that can suffer has a lane of its own, in which one fault follows the other; lanes know nothing of each other, so that faults meet
//! in every combination. Every fault has ended when the schedule ends. Nothing here does harm.

use std::{fmt, time::Duration};

use fastrand::Rng;

/// Operators of the fleet.
pub const OPERATORS: usize = 2;
/// Gateways of the fleet.
pub const GATEWAYS: usize = 3;
/// MCP servers, over all tenants.
pub const SERVERS: usize = 4;

/// Before the first fault of a lane.
const FIRST: std::ops::Range<u64> = 500..6_000;
/// Between two faults of a lane,
const PAUSE: std::ops::Range<u64> = 1_500..9_000;
/// and of the cluster's, without which nothing is edited.
const CLUSTER_PAUSE: std::ops::Range<u64> = 5_000..25_000;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, since the run began.
    pub at: Duration,
    /// How long it lasts at least; what was killed has to come back besides.
    pub lasts: Duration,
    /// What happens to whom.
    pub what: What,
}

/// What happens to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// To an operator's process.
    Operator(usize, Harm),
    /// To a gateway's process.
    Gateway(usize, Harm),
    /// To a gateway's connections to all operators.
    Stream(usize, Wire),
    /// To what is below the operators.
    Cluster(Outage),
    /// To the disk that a gateway keeps its last known good configuration on.
    Disk(usize, Ailment),
    /// To an MCP server.
    Server(usize, Mood),
}

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Harm {
    /// SIGKILL, and a new process after a while.
    Killed,
    /// SIGTERM, and a new process when it has ended.
    Terminated,
    /// SIGTERM twice, and a new process when it has ended.
    Hurried,
    /// SIGSTOP, and SIGCONT after a while.
    Paused,
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// They take everything and deliver nothing.
    Partitioned,
    /// They deliver everything late.
    Delayed,
    /// They are reset, and no new ones come about.
    Cut,
}

/// What happens to the API server and its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outage {
    /// The API server is stopped, and started after a while.
    ApiStopped,
    /// The API server is killed, and started after a while.
    ApiKilled,
    /// etcd stands still most of the time.
    EtcdSlow,
}

/// What happens to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ailment {
    /// It is full.
    Full,
    /// It takes no writes.
    ReadOnly,
}

/// What a server does to whoever asks it. All of them run a call first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mood {
    /// Closes the connection.
    Resets,
    /// Says nothing.
    Hangs,
    /// Says half of an answer.
    Halves,
    /// Never ends its answer.
    Floods,
    /// Is another process all of a sudden, without connections or sessions.
    Restarts,
}

/// One thing that can suffer: its faults, and how long each lasts (milliseconds).
type Lane = Vec<(What, std::ops::Range<u64>)>;

/// The faults of a run of this length, by their beginning.
#[must_use]
pub fn schedule(seed: u64, length: Duration) -> Vec<Fault> {
    let mut rng = Rng::with_seed(seed);
    let mut faults: Vec<Fault> = lanes().into_iter().flat_map(|lane| fill(&mut rng, lane, length)).collect();
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// Every kind of a lane comes once, in any order, before one comes again.
fn fill(rng: &mut Rng, lane: Lane, length: Duration) -> Vec<Fault> {
    let (mut faults, mut bag) = (Vec::new(), Vec::new());
    let mut at = Duration::from_millis(rng.u64(FIRST));
    loop {
        if bag.is_empty() {
            bag.clone_from(&lane);
            rng.shuffle(&mut bag);
        }
        let Some((what, lasts)) = bag.pop() else { return faults };
        let lasts = Duration::from_millis(rng.u64(lasts));
        if at + lasts > length {
            return faults;
        }
        faults.push(Fault { at, lasts, what });
        let pause = if matches!(what, What::Cluster(_)) { CLUSTER_PAUSE } else { PAUSE };
        at += lasts + Duration::from_millis(rng.u64(pause));
    }
}

fn lanes() -> Vec<Lane> {
    let operators = (0..OPERATORS).map(|one| {
        vec![
            // Longer than its lease: the other one serves before it is back.
            (What::Operator(one, Harm::Killed), 8_000..11_000),
            (What::Operator(one, Harm::Terminated), 1_000..4_000),
            (What::Operator(one, Harm::Paused), 2_000..9_000),
        ]
    });
    let gateways = (0..GATEWAYS).flat_map(|one| {
        let process = vec![
            (What::Gateway(one, Harm::Killed), 500..4_000),
            // A drain takes ten seconds.
            (What::Gateway(one, Harm::Terminated), 10_000..11_000),
            (What::Gateway(one, Harm::Hurried), 500..2_000),
            (What::Gateway(one, Harm::Paused), 1_000..5_000),
        ];
        let stream = vec![
            (What::Stream(one, Wire::Partitioned), 2_000..8_000),
            (What::Stream(one, Wire::Delayed), 2_000..8_000),
            (What::Stream(one, Wire::Cut), 100..2_000),
        ];
        let disk =
            vec![(What::Disk(one, Ailment::Full), 2_000..9_000), (What::Disk(one, Ailment::ReadOnly), 2_000..9_000)];
        [process, stream, disk]
    });
    let cluster = vec![
        (What::Cluster(Outage::ApiStopped), 2_000..8_000),
        (What::Cluster(Outage::ApiKilled), 1_000..8_000),
        (What::Cluster(Outage::EtcdSlow), 2_000..6_000),
    ];
    let servers = (0..SERVERS).map(|one| {
        let moods = [Mood::Resets, Mood::Hangs, Mood::Halves, Mood::Floods, Mood::Restarts];
        moods.map(|mood| (What::Server(one, mood), 500..3_000)).to_vec()
    });
    operators.chain(gateways).chain([cluster]).chain(servers).collect()
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(one, harm) => write!(formatter, "operator-{one} {harm:?}"),
            Self::Gateway(one, harm) => write!(formatter, "gateway-{one} {harm:?}"),
            Self::Stream(one, wire) => write!(formatter, "stream of gateway-{one} {wire:?}"),
            Self::Cluster(outage) => write!(formatter, "{outage:?}"),
            Self::Disk(one, ailment) => write!(formatter, "disk of gateway-{one} {ailment:?}"),
            Self::Server(one, mood) => write!(formatter, "server {one} {mood:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
