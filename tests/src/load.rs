//! Agents that call a tool again and again while a test does something to the rest, and one failure of theirs fails the test.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{bail, ensure};
use http::StatusCode;
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{agent::Agent, eventually::eventually};

/// Between two calls of one agent: two cores are shared with what is tested.
const PACE: Duration = Duration::from_millis(5);

/// Agents at work.
pub struct Load {
    stop: CancellationToken,
    calls: Arc<AtomicUsize>,
    callers: JoinSet<anyhow::Result<()>>,
}

impl Load {
    /// Each agent calls `tool`, which must answer with the text that it is given.
    #[must_use]
    pub fn start(agents: Vec<Agent>, tool: &str) -> Self {
        let (stop, calls, mut callers) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)), JoinSet::new());
        for agent in agents {
            callers.spawn(call(agent, tool.to_owned(), stop.clone(), Arc::clone(&calls)));
        }
        Self { stop, calls, callers }
    }

    /// Waits until so many more calls were answered.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn makes(&self, more: usize) {
        let wanted = self.calls.load(Ordering::Relaxed) + more;
        eventually(&format!("{more} more calls"), async || {
            (self.calls.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }

    /// Lets the work go on for so long.
    ///
    /// # Panics
    /// When nobody calls in the meantime.
    pub async fn goes_on_for(&self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < end {
            self.makes(10).await;
        }
    }

    /// Ends the work.
    ///
    /// # Errors
    /// A call failed, or there was none.
    pub async fn finish(mut self) -> anyhow::Result<usize> {
        self.stop.cancel();
        while let Some(caller) = self.callers.join_next().await {
            caller??;
        }
        let calls = self.calls.load(Ordering::Relaxed);
        ensure!(calls > 0, "nobody called");
        Ok(calls)
    }
}

async fn call(agent: Agent, tool: String, stop: CancellationToken, calls: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        let number = calls.load(Ordering::Relaxed);
        let reply = agent.call(&tool, &format!(r#"{{"text":"{number}"}}"#)).await?;
        if reply.status != StatusCode::OK || reply.is_tool_error() || reply.tool_text() != number.to_string() {
            bail!("call {number} failed: {} {}", reply.status, reply.text());
        }
        calls.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
