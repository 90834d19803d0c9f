//! The endpoints of one server and the choice among them: two at random, the less busy one, unreachable ones last.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::{Common, Host, Target};
use super::identity::{Endpoint, UpstreamConfig};
use super::resolve::Name;

/// All endpoints at one moment. Endpoints that stay keep their connections from one set to the next.
#[derive(Default)]
pub(super) struct Hosts {
    /// By name.
    all: BTreeMap<Arc<str>, Arc<Host>>,
    ready: Vec<Arc<Host>>,
}

impl Hosts {
    /// The one host of a server outside the cluster; none for a server whose endpoints are told later.
    pub(super) fn first(config: &UpstreamConfig, common: &Common) -> Self {
        let Some(remote) = &config.remote else { return Self::default() };
        let name: Arc<str> = format!("{}:{}", remote.host, remote.port).into();
        let target = Target::Remote { name: Name::new(remote.host.clone(), remote.port), tls: remote.tls.clone() };
        let host = Arc::new(Host::new(Arc::clone(&name), target, common));
        Self { all: BTreeMap::from([(name, Arc::clone(&host))]), ready: vec![host] }
    }

    /// The set after an edit; hosts that are no longer in it are still in `self`.
    pub(super) fn follow(&self, endpoints: &[Endpoint], common: &Common) -> Self {
        let mut next = Self::default();
        for endpoint in endpoints {
            let name: Arc<str> = endpoint.address.to_string().into();
            if next.all.contains_key(&name) {
                continue;
            }
            let host =
                self.all.get(&name).cloned().unwrap_or_else(|| {
                    Arc::new(Host::new(Arc::clone(&name), Target::Address(endpoint.address), common))
                });
            if endpoint.ready {
                next.ready.push(Arc::clone(&host));
            }
            next.all.insert(name, host);
        }
        next
    }

    /// Whether an edit changed nothing.
    pub(super) fn is_same(&self, next: &Self) -> bool {
        let same = |one: &Arc<Host>, other: &Arc<Host>| Arc::ptr_eq(one, other);
        self.all.len() == next.all.len()
            && self.ready.len() == next.ready.len()
            && self.all.values().zip(next.all.values()).all(|(one, other)| same(one, other))
            && self.ready.iter().zip(&next.ready).all(|(one, other)| same(one, other))
    }

    /// Closes what `next` no longer has.
    pub(super) fn retire(&self, next: &Self) {
        self.all.iter().filter(|(name, _)| !next.all.contains_key(*name)).for_each(|(_, host)| host.close());
    }

    /// All of them, ready or not.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.all.values()
    }

    /// The endpoint that a session is bound to, ready or not.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<Host>> {
        self.all.get(name)
    }

    /// Power of two choices among the ready ones.
    pub(super) fn pick(&self) -> Option<&Arc<Host>> {
        let count = self.ready.len();
        if count < 2 {
            return self.ready.first();
        }
        let one = fastrand::usize(..count);
        // Any of the others, each as likely.
        let other = (one + fastrand::usize(1..count)) % count;
        let (one, other) = (&self.ready[one], &self.ready[other]);
        match (one.is_down(), other.is_down()) {
            (false, true) => Some(one),
            (true, false) => Some(other),
            (false, false) => Some(if other.in_flight() < one.in_flight() { other } else { one }),
            (true, true) => self.ready.iter().find(|host| !host.is_down()).or(Some(one)),
        }
    }

    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn any_up(&self) -> bool {
        self.ready.iter().any(|host| !host.is_down())
    }
}

#[cfg(test)]
mod tests;
