//! A call taken back: how its server learns of it. A modern server sees its connection end; an older one is told.

use std::sync::Arc;

use super::exchange::Exchange;
use super::forward::{self, Forward};
use crate::mcp::headers;
use crate::mcp::message as build;
use crate::mcp::revision::{Era, Revision};
use crate::snapshot::Server;
use crate::snapshot::sessions::Opened;
use crate::telemetry::Trace;
use crate::upstream::Deadlines;

/// What it takes to tell a server that a call was taken back.
pub struct Withdrawal {
    server: Arc<Server>,
    session: Option<Arc<Opened>>,
    revision: Revision,
    id: u64,
    worker: usize,
    trace: Trace,
    deadlines: Deadlines,
}

impl Withdrawal {
    /// For a call that goes to an older server; a modern one needs no telling.
    pub fn of(exchange: &Exchange<'_>, forward: &Forward) -> Option<Self> {
        (forward.revision.era() == Era::Legacy).then(|| Self {
            server: Arc::clone(&forward.server),
            session: forward.session.clone(),
            revision: forward.revision,
            id: forward.id,
            worker: exchange.worker,
            trace: exchange.trace.clone(),
            deadlines: exchange.deadlines(&forward.server),
        })
    }

    /// Tells the server, in the background: nobody waits for it.
    pub fn send(self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let body = build::cancelled(self.id.to_string().as_bytes(), "the client took the request back");
            let mut request = forward::plain(&self.server, self.session.as_deref(), &self.trace, body);
            headers::mirror(request.headers_mut(), self.revision, "notifications/cancelled", None);
            let kept = self.session.as_ref().filter(|session| session.id.is_some());
            let want = kept.map(|session| session.endpoint.as_str());
            // Best effort, as the protocol has it: the call may be over by now.
            let _ = self.server.upstream.send(self.worker, want, request, &self.deadlines).await;
        });
    }
}

/// Tells the server if it is dropped while armed: when the agent went away.
pub struct Guard(Option<Withdrawal>);

impl Guard {
    /// A guard over a call under way.
    pub fn arm(exchange: &Exchange<'_>, forward: &Forward) -> Self {
        Self(Withdrawal::of(exchange, forward))
    }

    /// The call is over, or somebody else's to watch.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(withdrawal) = self.0.take() {
            withdrawal.send();
        }
    }
}

#[cfg(test)]
mod tests;
