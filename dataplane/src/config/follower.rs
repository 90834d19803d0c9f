//! What a gateway does about an operator's words: the protocol's state and the compiler, which always change together.
//!
//! Plain data: it owns no connection, no file and no clock. Nothing else may change either of the two, or what is acknowledged, what is kept and
//! what is served would be three things.

use portolan_config::LastGood;
use portolan_config::delta::client::{Change, Session};
use portolan_config::proto::{FromGateway, Rejected};
use portolan_config::{Kind, Name};

use crate::snapshot::Compiler;

/// A gateway's configuration and how it came.
pub struct Follower {
    /// The protocol's state: what was acknowledged.
    pub session: Session,
    /// What is served is made by it.
    pub compiler: Compiler,
}

impl Follower {
    /// Takes up what the process before kept. Returns what this release refuses of it.
    pub fn restore(&mut self, kept: LastGood) -> Vec<Rejected> {
        let rejected = self.compiler.restore(&kept.change());
        self.session.restore(kept, &rejected);
        rejected
    }

    /// Takes in one step, whole. Gives what is refused of it, and the acknowledgement: to be sent when the next snapshot is in force, never before.
    pub fn apply(&mut self, change: &Change) -> (Vec<Rejected>, FromGateway) {
        let rejected = self.compiler.apply(change);
        let ack = self.session.applied(change.sequence, rejected.clone());
        (rejected, ack)
    }

    /// What is in force, to be kept.
    #[must_use]
    pub fn last_good(&self) -> LastGood {
        self.session.last_good(|name| self.compiler.closed_by(name))
    }
}

/// Whether what is on disk must be gone before a change is acknowledged: acknowledged means gone, and a restart must not find it either.
#[must_use]
pub fn withdraws(change: &Change) -> bool {
    !change.revoked.is_empty() || change.removed.iter().map(Name::kind).any(|kind| kind == Kind::Secret)
}
