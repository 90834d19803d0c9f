//! Being told to stop: SIGTERM or Ctrl-C once, and again by somebody who will not wait.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Counts the signals to stop.
#[derive(Clone, Debug)]
pub struct Stops(watch::Receiver<u32>);

impl Stops {
    /// Takes SIGTERM and SIGINT over from now on. Needs a runtime.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (sender, receiver) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(receiver))
    }

    /// Ends when there were this many signals.
    pub async fn times(&self, count: u32) {
        let mut changes = self.0.clone();
        // The sender lives in a task that never ends.
        let _ = changes.wait_for(|seen| *seen >= count).await;
    }
}
