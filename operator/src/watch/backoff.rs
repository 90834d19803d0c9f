//! How long a watch that failed waits before it tries again.

use std::time::Duration;

use kube::runtime::utils::Backoff;
use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_millis(200);

/// The longest one. The library's default goes to a minute, and an API server that comes back costs two: one until it answers, and one since
/// the version that the watch had is too old by then. Six watches that ask every few seconds are no load.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// After so much quiet the next failure is a first one. Not after the first success: a watch that lists and breaks in turn would never pause.
const QUIET: Duration = Duration::from_secs(30);

/// Pauses that double, each between a half and the whole of its bound, so that replicas do not come in step.
#[derive(Debug)]
pub(crate) struct Pauses {
    bound: Duration,
    last: Option<Instant>,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { bound: FIRST, last: None }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last > QUIET) {
            self.bound = FIRST;
        }
        let pause = self.bound.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.bound = (self.bound * 2).min(LONGEST);
        self.last = Some(now);
        Some(pause)
    }
}

impl Backoff for Pauses {
    /// A success is not yet quiet.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests;
