//! How far an object's newest edit has come, from the event to the last gateway that has it in force.

use crate::core::gateways::Gateway;

/// How long gateways may take before it is told how many have an edit: until then the counts are still moving.
const SETTLING: i64 = 10_000;

/// An object's way to the gateways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// When the edit that is under way was seen, milliseconds since 1970.
    since: Option<i64>,
    /// The sequence that brought the edit; absent until it is published. What changes later around the object does not take it back.
    needed: Option<u64>,
    /// Since when some gateway's word is awaited, as far as the time has been told, and whether that is longer than usual.
    open_since: Option<i64>,
    overdue: bool,
    /// The newest outcome.
    pub reached: Reached,
}

/// Where an edit is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Gateway pods that have it in force.
    pub acknowledged: usize,
    /// Gateway pods that ought to.
    pub total: usize,
    /// The first gateway that refused it, and why.
    pub rejected: Option<(String, String)>,
    /// Milliseconds from the event to the last acknowledgement, where this operator saw both.
    pub propagation: Option<i64>,
}

impl Reached {
    /// Whether every gateway pod that there is has it.
    #[must_use]
    pub fn everywhere(&self) -> bool {
        self.total > 0 && self.acknowledged == self.total && self.rejected.is_none()
    }

    /// Counts the gateways that have everything up to `needed` in force. `ought` are all pods of the fleet, connected or not.
    pub(super) fn count<'a>(
        gateways: impl Iterator<Item = &'a Gateway>,
        ought: usize,
        needed: u64,
        rejection: impl Fn(&Gateway) -> Option<String>,
    ) -> Self {
        let mut reached = Self { total: ought, ..Self::default() };
        for gateway in gateways {
            match rejection(gateway) {
                Some(reason) => reached.rejected = reached.rejected.or(Some((gateway.name.clone(), reason))),
                None if gateway.acked >= needed => reached.acknowledged += 1,
                None => {}
            }
        }
        reached
    }
}

impl Progress {
    /// An edit was seen. Edits that gather before one publication are one, as old as the first.
    pub fn edited(&mut self, now: i64) {
        if self.since.is_none() || self.needed.is_some() {
            *self = Self { since: Some(now), ..Self::default() };
        }
    }

    /// The edit is in the log up to `sequence`.
    pub fn published(&mut self, sequence: u64) {
        self.needed = Some(sequence);
    }

    /// The sequence that gateways must have acknowledged; `None`: not published yet.
    #[must_use]
    pub fn needed(&self) -> Option<u64> {
        self.needed
    }

    /// Takes in a count; the first that is complete fixes the propagation time.
    pub fn advance(&mut self, mut counted: Reached, now: i64) {
        counted.propagation = self.reached.propagation;
        if counted.everywhere()
            && let Some(since) = self.since.take()
        {
            counted.propagation = Some((now - since).max(0));
        }
        self.reached = counted;
        if !self.is_open() {
            (self.open_since, self.overdue) = (None, false);
        }
    }

    /// Whether some gateway's word is still awaited.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.reached.everywhere()
    }

    /// Whether the count is still moving.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        self.is_open() && !self.overdue
    }

    /// The time passes: `true` once a count that has not become complete is to be told as it stands.
    pub fn tick(&mut self, now: i64) -> bool {
        if !self.is_open() {
            return false;
        }
        let since = *self.open_since.get_or_insert(now);
        let overdue = now - since >= SETTLING;
        !std::mem::replace(&mut self.overdue, overdue) && overdue
    }

    /// Awaits every gateway's word again.
    pub fn reopen(&mut self) {
        self.reached = Reached { propagation: self.reached.propagation, ..Reached::default() };
    }
}

#[cfg(test)]
mod tests;
