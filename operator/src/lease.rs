//! Who serves: one lease among the replicas of an operator, judged by observed change and never by another machine's clock.
//!
//! ```text
//! keeper -> candidate -> evaluate        tenure -> streams, status
//!  edge       pure         pure           what follows from it
//! ```
//!
//! A replica that sees the lease unchanged for its whole term takes it, and every taking has an epoch of its own. Nothing here reads a clock
//! or calls anybody, but for [`keeper`].

pub mod candidate;
pub mod keeper;
mod tenure;

use std::time::{Duration, Instant};

pub use self::tenure::Tenure;

/// How long a holder may be silent before others take the lease.
pub const TERM: Duration = Duration::from_secs(6);

/// How much earlier the holder itself stops to believe in it: clocks that run at different speeds, and a write that was late.
pub const MARGIN: Duration = Duration::from_millis(500);

/// Time between two renewals.
pub const RENEWAL: Duration = Duration::from_millis(1500);

/// Time between two looks at a lease that somebody else holds, and before a call that failed is made again.
pub const LOOK: Duration = Duration::from_millis(500);

/// A lease that was not seen for so long may have changed and changed again: what is seen next counts from then. So an API server that was away
/// costs nobody the lease.
pub const GAP: Duration = Duration::from_secs(2);

/// What a replica is called in the lease: no other process, nor the same pod after a restart, is called the same. Names have no underscore.
#[must_use]
pub fn identity(name: &str, mark: u32) -> String {
    format!("{name}_{mark:08x}")
}

/// The replica's name in its identity.
#[must_use]
pub fn name_of(identity: &str) -> &str {
    identity.rsplit_once('_').map_or(identity, |(name, _)| name)
}

/// The lease as the API server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; nobody, where the last holder has vacated it.
    pub holder: Option<String>,
    /// The number of times that it was taken.
    pub epoch: u64,
    /// How long its holder may be silent.
    pub term: Duration,
    /// Changes with every write.
    pub version: String,
}

/// The lease as one replica has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// What it was at the last look; `None`: there was none.
    pub lease: Option<Lease>,
    /// Since when it has been so, as far as was seen.
    pub since: Instant,
    /// The highest epoch that was ever heard of, from the lease or from a gateway.
    pub highest: u64,
    /// Whether it is the first look of this process.
    pub first: bool,
}

/// What a replica does about the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is free, or its holder is silent: take it.
    Take {
        /// The new epoch.
        epoch: u64,
    },
    /// It is ours: say that we are there.
    Renew {
        /// The epoch, a higher one if somebody has heard of a higher one.
        epoch: u64,
    },
    /// Somebody else has it, or may have.
    Follow,
}

/// What `me` does about the lease at `now`.
#[must_use]
pub fn evaluate(sight: &Sight, me: &str, now: Instant) -> Decision {
    let silent_for = |term| now.saturating_duration_since(sight.since) >= term;
    let take = Decision::Take { epoch: sight.highest + 1 };
    match &sight.lease {
        Some(Lease { holder: Some(holder), epoch, .. }) if holder == me => {
            Decision::Renew { epoch: if sight.highest > *epoch { sight.highest + 1 } else { *epoch } }
        }
        // Names are unique among those that run: whoever had ours is dead, and we are its restart.
        Some(Lease { holder: Some(holder), .. }) if sight.first && name_of(holder) == name_of(me) => take,
        Some(Lease { holder: Some(_), term, .. }) if !silent_for(*term) => Decision::Follow,
        // Where there was a lease, somebody has deleted it, and its holder may not know yet.
        None if sight.highest > 0 && !silent_for(TERM) => Decision::Follow,
        Some(_) | None => take,
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
