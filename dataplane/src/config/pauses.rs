//! How long a gateway waits after a stream before it opens the next one. Decides nothing about whom it is opened to.

use std::time::Duration;

/// First pause after a lost stream; doubled at each failure.
const FIRST: Duration = Duration::from_millis(50);
/// Longest pause between two rounds: a gateway is back in step within it after an operator serves again.
const LONGEST: Duration = Duration::from_secs(1);

/// The pause that is next.
#[derive(Debug)]
pub struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pauses {
    /// What follows on a stream that has ended: `None`, the next operator is tried at once. `served`: an operator had us in step by it;
    /// `more`: the round is not over.
    pub fn after(&mut self, served: bool, more: bool) -> Option<Duration> {
        if served {
            self.0 = FIRST;
        } else if more {
            return None;
        }
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST);
        Some(jittered(pause))
    }
}

/// Between half and the whole pause, so that a fleet does not come back in one wave.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests;
