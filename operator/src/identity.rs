//! The fleet's identity: its authority, the certificates of both ends of the stream, and the ring of sealing keys. Kept as Secrets in the
//! release's namespace, made when absent, replaced before they end.
//!
//! ```text
//! Secrets -> stored -> plan (pure) -> authority, ring (make) -> keep (writes, if we hold the lease) -> Secrets -> mounted by gateways
//! ```
//!
//! Nothing here is logged or shown but ids and times. It must never overwrite a Secret that it does not understand.

mod authority;
mod keep;
mod material;
mod plan;
mod role;
mod rotation;
mod sealing;
mod stored;

use std::{collections::BTreeSet, time::Duration};

use portolan_config::{limits, proto::KeysHeld};

pub use self::{
    authority::{Authority, Pair},
    keep::keep,
    material::{Material, follow},
    role::Role,
};

/// What a gateway's certificate says, followed by the name of its fleet (a URI among its subject alternative names).
pub const FLEET_URI: &str = "portolan://fleet/";

/// What identity works by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The release's namespace.
    pub namespace: String,
    /// The fleet.
    pub fleet: String,
    /// Names and addresses under which gateways reach the operator.
    pub names: Vec<String>,
    /// Whether certificates are kept too: not where they come from files.
    pub certificates: bool,
    /// How long things live.
    pub lifetimes: Lifetimes,
}

/// How long things live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Certificates of operator and gateways; replaced after a third, so that an operator that is away is no emergency.
    pub certificate: Duration,
    /// Authorities; the next one is made after a half.
    pub authority: Duration,
    /// How long a key seals.
    pub key: Duration,
    /// The longest that anything sealed is good.
    pub sealed: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            certificate: Duration::from_hours(72),
            authority: Duration::from_hours(90 * 24),
            key: Duration::from_hours(7 * 24),
            sealed: limits::SESSION,
        }
    }
}

/// What the fleet's pods say of its keys and authorities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// Whether there are pods and all of them have told.
    pub complete: bool,
    /// Ids that every pod holds; none unless that is complete.
    pub everywhere: BTreeSet<String>,
    /// Ids that somebody seals with.
    pub used: BTreeSet<String>,
}

impl Holders {
    /// Sums up what was told. `pods` is how many ought to tell.
    #[must_use]
    pub fn of(told: &[KeysHeld], pods: usize) -> Self {
        let held = |one: &KeysHeld| one.key_ids.iter().chain(&one.authorities).cloned().collect::<BTreeSet<_>>();
        let complete = !told.is_empty() && told.len() >= pods;
        let everywhere = told.iter().filter(|_| complete).map(held).reduce(|all, one| &all & &one);
        Self {
            complete,
            everywhere: everywhere.unwrap_or_default(),
            used: told.iter().map(|one| one.sealing.clone()).filter(|id| !id.is_empty()).collect(),
        }
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
