//! Watches over an open stream: it is judged again on every snapshot, and ends when its token does.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::watch;
use tokio::time::sleep;

use super::context::{Context, now};
use super::exchange::Exchange;
use crate::policy::Identity;
use crate::snapshot::visibility::is_visible;
use crate::snapshot::{Access, Resource, Route, Snapshot};

/// What a stream was opened by, kept to be judged by again.
pub struct Vigil {
    context: Arc<Context>,
    changes: watch::Receiver<u64>,
    host: String,
    path: Arc<str>,
    resource: Resource,
    authorization: HeaderMap,
    identity: Arc<Identity>,
    /// The tool that is being called, if it is a call.
    tool: Option<Arc<str>>,
    /// The older client's session.
    session: Option<[u8; 16]>,
}

impl Vigil {
    /// A vigil over the stream that answers this exchange.
    pub fn over(exchange: &Exchange<'_>, tool: Option<Arc<str>>, session: Option<[u8; 16]>) -> Self {
        let credentials = exchange.headers.get_all(AUTHORIZATION).iter();
        let mut changes = exchange.context.changes();
        if has_changed_since(exchange, session) {
            changes.mark_changed();
        }
        Self {
            changes,
            context: Arc::clone(&exchange.context),
            host: exchange.host.clone(),
            path: Arc::clone(&exchange.route.path),
            resource: exchange.resource.clone(),
            authorization: credentials.map(|value| (AUTHORIZATION, value.clone())).collect(),
            identity: Arc::clone(&exchange.identity),
            tool,
            session,
        }
    }

    /// Ends when the stream must.
    pub async fn until_withdrawn(&mut self) {
        loop {
            let expiry = self.expiry();
            tokio::select! {
                () = sleep(expiry) => return,
                changed = self.changes.changed() => {
                    if changed.is_err() || !self.still_holds(&self.context.snapshot()) {
                        return;
                    }
                }
            }
        }
    }

    /// How long the token is good for; a stream without one lives for a day at most.
    fn expiry(&self) -> Duration {
        let left = self.identity.expires.map(|expires| expires.saturating_sub(now()));
        Duration::from_secs(left.unwrap_or(u64::MAX).min(86_400))
    }

    fn still_holds(&self, snapshot: &Snapshot) -> bool {
        let Some(route) = snapshot.route(&self.host, &self.path) else { return false };
        let ended = self.session.is_some_and(|session| self.context.has_ended(&session));
        !route.closed
            && !ended
            && self.still_authenticated(route)
            && route.policy.denies_endpoint(&self.identity).is_none()
            && self.tool.as_ref().is_none_or(|tool| self.still_visible(route, tool))
    }

    fn still_authenticated(&self, route: &Route) -> bool {
        match &route.access {
            Access::Open => true,
            Access::Undeclared => false,
            Access::Policy(authentication) => authentication
                .authenticate(&self.authorization, || route.resource(&self.resource), now())
                .is_ok_and(|identity| identity.key() == self.identity.key()),
        }
    }

    fn still_visible(&self, route: &Route, tool: &str) -> bool {
        route.tools.find(tool).is_some_and(|(index, _)| is_visible(route, &self.identity, 0, index))
    }
}

/// Whether something came into force while the server thought about its answer. Asked after the changes were subscribed to, so that none is missed.
fn has_changed_since(exchange: &Exchange<'_>, session: Option<[u8; 16]>) -> bool {
    let (judged, now) = (&exchange.snapshot, exchange.context.snapshot());
    !Arc::ptr_eq(judged, &now) || session.is_some_and(|session| exchange.context.has_ended(&session))
}

#[cfg(test)]
mod tests;
