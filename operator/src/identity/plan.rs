//! What is to be done next to the fleet's identity: a function of what is kept, what gateways hold, and the time.
//!
//! Pure. One change at a time, each of them safe to stop after.

use serde::{Deserialize, Serialize};

use super::{
    Holders, Settings,
    authority::{Authority, seconds},
    role::Role,
    rotation::{self, Generation, State, Step, Times},
    sealing::SealingKey,
};
use portolan_config::limits::RING_KEYS;

/// Authorities at a time: next, current, and previous ones whose certificates have not all ended.
const AUTHORITIES: usize = 8;

/// How often it is noted who uses a previous key, in seconds. Each note is a write that gateways read.
const TOUCH: i64 = 1800;

/// What a certificate was made of. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The authority that vouches for it.
    pub authority: String,
    /// When it was made.
    pub made: i64,
    /// When it ends.
    pub expires: i64,
    /// The names in it.
    pub names: Vec<String>,
    /// The authorities that lie beside it.
    pub trusts: Vec<String>,
}

/// All that is kept.
#[derive(Clone, Default)]
pub struct Kept {
    /// The authorities.
    pub authorities: Vec<Generation<Authority>>,
    /// The sealing keys.
    pub keys: Vec<Generation<SealingKey>>,
    /// What the operator's and the gateways' certificates were made of.
    pub operator: Option<Issued>,
    /// The gateways'.
    pub gateway: Option<Issued>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A step of the authorities.
    Authorities(Step),
    /// A step of the sealing keys.
    Keys(Step),
    /// A new certificate, made of this.
    Issue(Role, Issued),
}

/// The next change that is due.
#[must_use]
pub fn due(kept: &Kept, settings: &Settings, holders: &Holders, now: i64) -> Option<Change> {
    let keys = || rotation::due(&kept.keys, &key_times(settings), RING_KEYS, holders, now).map(Change::Keys);
    if !settings.certificates {
        return keys();
    }
    let times = authority_times(kept, settings);
    let authorities = rotation::due(&kept.authorities, &times, AUTHORITIES, holders, now).map(Change::Authorities);
    authorities.or_else(|| issue(kept, settings, now)).or_else(keys)
}

/// A key seals for its life, and opens for as long as what was sealed under it, which may be later than is known by two notes and a look. It takes
/// over only where every pod holds it.
fn key_times(settings: &Settings) -> Times {
    let lifetimes = &settings.lifetimes;
    Times {
        renew: seconds(lifetimes.key),
        end: None,
        keep: seconds(lifetimes.sealed).saturating_add(3 * TOUCH),
        touch: TOUCH,
    }
}

/// An authority gives way while it can still vouch for a whole certificate, and is trusted until the last one that it vouched for has ended.
fn authority_times(kept: &Kept, settings: &Settings) -> Times {
    let certificate = seconds(settings.lifetimes.certificate);
    let life = current(kept)
        .map_or_else(|| seconds(settings.lifetimes.authority), |current| current.material.expires - current.made);
    Times { renew: life / 2, end: Some(life - certificate), keep: certificate, touch: TOUCH }
}

fn current(kept: &Kept) -> Option<&Generation<Authority>> {
    kept.authorities.iter().find(|one| one.state == State::Current)
}

fn issue(kept: &Kept, settings: &Settings, now: i64) -> Option<Change> {
    let authority = current(kept)?;
    [(Role::Operator, &kept.operator), (Role::Gateway, &kept.gateway)].into_iter().find_map(|(role, issued)| {
        let wanted = Issued {
            authority: authority.id.clone(),
            made: now,
            expires: now.saturating_add(seconds(settings.lifetimes.certificate)).min(authority.material.expires),
            names: if role == Role::Operator { settings.names.clone() } else { vec![settings.fleet.clone()] },
            trusts: kept.authorities.iter().map(|one| one.id.clone()).collect(),
        };
        let good = issued.as_ref().is_some_and(|issued| {
            let fresh = now - issued.made < (issued.expires - issued.made) / 3;
            fresh && *issued == Issued { made: issued.made, expires: issued.expires, ..wanted.clone() }
        });
        (!good).then_some(Change::Issue(role, wanted))
    })
}

#[cfg(test)]
mod tests;
