//! What time it is, for whoever tells it to the core: a process asks the machine, a simulation says.

use std::{sync::Arc, time::Instant};

/// Asked whenever the core is told the time; it must not wait.
pub type Clock = Arc<dyn Fn() -> Reading + Send + Sync>;

/// What both clocks of a machine show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds since 1970: may be set, forwards and backwards.
    pub wall: i64,
    /// Never goes back.
    pub steady: Instant,
}

/// The machine's own.
#[must_use]
pub fn system() -> Clock {
    Arc::new(|| Reading { wall: jiff::Timestamp::now().as_millisecond(), steady: Instant::now() })
}
