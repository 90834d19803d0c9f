//! In which order operators are tried: every address once in a round, and the one that served last at the end of it.
//!
//! Plain data. Who waits between two rounds, and for how long, is not decided here.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// One address of one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the operator's URL.
    pub url: usize,
    /// Where to connect.
    pub address: SocketAddr,
}

/// The addresses that are still to be tried.
#[derive(Debug, Default)]
pub struct Rounds {
    waiting: VecDeque<Place>,
    last: Option<Place>,
}

impl Rounds {
    /// Begins a round over `places`. In another order for each gateway, or a fleet would come to one replica in a wave; whoever was tried last
    /// comes last, since there is a reason why it is left.
    pub fn begin(&mut self, mut places: Vec<Place>) {
        fastrand::shuffle(&mut places);
        places.sort_by_key(|place| Some(*place) == self.last);
        self.waiting = places.into();
    }

    /// Whose turn it is.
    pub fn turn(&mut self) -> Option<Place> {
        let next = self.waiting.pop_front()?;
        self.last = Some(next);
        Some(next)
    }

    /// Whether the round is over.
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Ends the round: addresses may be others by now.
    pub fn end(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests;
