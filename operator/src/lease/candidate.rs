//! One replica's part in the lease, as a state machine: it says which call is due, and takes the answer.
//!
//! Drive it so: while `next` gives a call, make it and give the answer to `answered`; otherwise wait until `due`. `tenure` holds in between.

use std::time::{Duration, Instant};

use super::{Decision, GAP, LOOK, Lease, MARGIN, RENEWAL, Sight, TERM, Tenure, evaluate, name_of};

/// A claim above this is no epoch that any fleet has reached, and must not use up those that there are (`leaseTransitions` is an `int32`).
const PLAUSIBLE: u64 = 1 << 30;

/// When gateways are first sent to look around after the lease was lost sight of: whoever could take it has taken it by then.
const FIRST_ROUND: Duration = Duration::from_secs(2);

/// Longest time between two such rounds; each is twice as long as the one before.
const LONGEST_ROUND: Duration = Duration::from_secs(60);

/// A call to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Read the lease.
    Read,
    /// Write it, if it still is what it was.
    Write(Draft),
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who holds it then; nobody, to vacate it.
    pub holder: Option<String>,
    /// The epoch.
    pub epoch: u64,
    /// The version that must still be there; `None`: no lease must be there.
    pub over: Option<String>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The lease that was read.
    Seen(Option<Lease>),
    /// The lease as it was written.
    Written(Lease),
    /// It was not what it was any more.
    Conflict,
    /// No answer, or one that says nothing: a write may have happened, or may still.
    Failed,
}

/// A replica that wants the lease.
#[derive(Debug)]
pub struct Candidate {
    me: String,
    /// What is known; `None` before the first answer.
    sight: Option<Sight>,
    /// When it was last known.
    seen_at: Option<Instant>,
    /// Highest epoch heard of.
    highest: u64,
    /// Whether what is known is as new as it can be; otherwise it is read before anything is decided.
    fresh: bool,
    held: Option<Held>,
    due: Instant,
    leaving: bool,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    epoch: u64,
    until: Instant,
}

impl Candidate {
    /// A replica whose identity nobody else has, not even the same pod before its restart.
    #[must_use]
    pub fn new(me: String, now: Instant) -> Self {
        Self { me, sight: None, seen_at: None, highest: 0, fresh: false, held: None, due: now, leaving: false }
    }

    /// The call that is due.
    pub fn next(&mut self, now: Instant) -> Option<Call> {
        if now < self.due {
            return None;
        }
        let Some(sight) = self.sight.as_ref().filter(|_| self.fresh) else { return Some(Call::Read) };
        let over = sight.lease.as_ref().map(|lease| lease.version.clone());
        let (holder, epoch) = match evaluate(sight, &self.me, now) {
            Decision::Renew { epoch } if self.leaving => (None, epoch),
            Decision::Take { epoch } | Decision::Renew { epoch } if !self.leaving => (Some(self.me.clone()), epoch),
            _ => {
                self.look_again(now + LOOK);
                return None;
            }
        };
        Some(Call::Write(Draft { holder, epoch, over }))
    }

    /// Takes the answer to a call that was made at `sent`.
    pub fn answered(&mut self, answer: Answer, sent: Instant, now: Instant) {
        match answer {
            Answer::Seen(lease) => {
                self.saw(lease, now);
                (self.fresh, self.due) = (true, now);
            }
            Answer::Written(lease) => {
                let mine = lease.holder.as_ref() == Some(&self.me);
                let ours = mine && !self.leaving;
                self.held = ours.then(|| Held { epoch: lease.epoch, until: sent + TERM - MARGIN });
                self.saw(Some(lease), now);
                (self.fresh, self.due) = (mine, sent + RENEWAL);
            }
            Answer::Conflict => self.look_again(now),
            Answer::Failed => self.look_again(now + LOOK),
        }
    }

    /// When to ask for the next call.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// A gateway has followed this epoch. If the lease is ours all the same, it was deleted and began anew: the next renewal goes above it.
    pub fn claimed(&mut self, epoch: u64, now: Instant) {
        if epoch <= PLAUSIBLE && epoch > self.highest {
            self.highest = epoch;
            if let Some(sight) = &mut self.sight {
                sight.highest = epoch;
            }
            self.look_again(now);
        }
    }

    /// Gives the lease up: nothing is ours from here on, and the next calls vacate it.
    pub fn leave(&mut self, now: Instant) {
        (self.leaving, self.held, self.due) = (true, None, now);
    }

    /// Whether the lease names us, as far as is known: what is still to be vacated after [`Candidate::leave`].
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.holder() == Some(&self.me)
    }

    /// What we may do at `now`.
    #[must_use]
    pub fn tenure(&self, now: Instant) -> Tenure {
        match self.held {
            Some(Held { epoch, until }) if now < until => Tenure::Holder { epoch, until },
            Some(Held { epoch, until }) => Tenure::CutOff { epoch, rounds: rounds(now - until) },
            None => {
                let other = self.holder().filter(|holder| **holder != self.me);
                Tenure::StandBy { holder: other.map(|holder| name_of(holder).to_owned()) }
            }
        }
    }

    fn holder(&self) -> Option<&String> {
        self.sight.as_ref()?.lease.as_ref()?.holder.as_ref()
    }

    fn saw(&mut self, lease: Option<Lease>, now: Instant) {
        if let Some(lease) = &lease {
            self.highest = self.highest.max(lease.epoch);
            // Another holder, or we ourselves before somebody took it and lost it: a later epoch has begun.
            let still = lease.holder.as_ref() == Some(&self.me);
            self.held = self.held.filter(|held| still && held.epoch == lease.epoch);
        }
        let watched = self.seen_at.is_some_and(|at| now.saturating_duration_since(at) <= GAP);
        let unchanged = self.sight.as_ref().filter(|sight| watched && sight.lease == lease).map(|sight| sight.since);
        let first = self.sight.is_none();
        self.sight = Some(Sight { lease, since: unchanged.unwrap_or(now), highest: self.highest, first });
        self.seen_at = Some(now);
    }

    fn look_again(&mut self, due: Instant) {
        (self.fresh, self.due) = (false, due);
    }
}

/// How many rounds are over when a holder has been cut off for so long.
fn rounds(cut_off: Duration) -> u32 {
    let (mut rounds, mut next, mut pause) = (0, FIRST_ROUND, FIRST_ROUND);
    while next <= cut_off {
        rounds += 1;
        pause = (pause * 2).min(LONGEST_ROUND);
        next += pause;
    }
    rounds
}

#[cfg(test)]
mod tests;
