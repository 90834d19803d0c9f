//! Routes by host and path, as requests look them up. The oldest of several routes that claim one address holds it, as the operator says in status.

use std::sync::Arc;

use super::route::Route;
use super::shards::Shards;

/// Every address that some route claims; a copy of it costs next to nothing.
#[derive(Clone, Default)]
pub struct Table {
    addresses: Shards<Address>,
    /// Hosts that some address names, and how many do.
    hosts: Shards<(Arc<str>, usize)>,
}

/// A host (empty: any) and a path.
#[derive(Clone)]
struct Address {
    host: Arc<str>,
    path: Arc<str>,
    holder: Arc<Route>,
    /// Who else claims it, oldest first.
    rivals: Vec<Arc<Route>>,
}

impl Table {
    /// The route of a normalised host and an exact path. One that names the host wins over one that takes any.
    pub fn route(&self, host: &str, path: &str) -> Option<&Arc<Route>> {
        let named = if self.hosts.is_empty() { None } else { self.address(host, path) };
        named.or_else(|| self.address("", path)).map(|address| &address.holder)
    }

    /// Whether some route names this host.
    pub fn names_host(&self, host: &str) -> bool {
        self.host(host).is_some()
    }

    /// All routes that hold an address, once for each.
    pub fn holders(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.addresses.iter().map(|address| &address.holder)
    }

    /// A route claims its addresses.
    pub fn claim(&mut self, route: &Arc<Route>) {
        for host in &*route.hosts {
            let mut claimants = vec![Arc::clone(route)];
            match self.address(host, &route.path) {
                Some(address) => claimants.extend(address.claimants().cloned()),
                None => self.count(host, 1),
            }
            self.settle(host, &route.path, claimants);
        }
    }

    /// A route claims no address any more.
    pub fn withdraw(&mut self, route: &Route) {
        for host in &*route.hosts {
            let Some(address) = self.address(host, &route.path) else { continue };
            let others = address.claimants().filter(|other| other.name != route.name);
            let others: Vec<Arc<Route>> = others.cloned().collect();
            if others.is_empty() {
                let hash = self.addresses.hash(&(&**host, &*route.path));
                self.addresses.remove(hash, |address| address.is(host, &route.path));
                self.count(host, -1);
            } else {
                self.settle(host, &route.path, others);
            }
        }
    }

    fn address(&self, host: &str, path: &str) -> Option<&Address> {
        self.addresses.get(self.addresses.hash(&(host, path)), |address| address.is(host, path))
    }

    fn host(&self, host: &str) -> Option<&(Arc<str>, usize)> {
        self.hosts.get(self.hosts.hash(host), |(name, _)| **name == *host)
    }

    fn settle(&mut self, host: &Arc<str>, path: &Arc<str>, mut claimants: Vec<Arc<Route>>) {
        claimants.sort_by(|one, other| (one.created, &one.label).cmp(&(other.created, &other.label)));
        let mut claimants = claimants.into_iter();
        let Some(holder) = claimants.next() else { return };
        let address = Address { host: Arc::clone(host), path: Arc::clone(path), holder, rivals: claimants.collect() };
        let hash = self.addresses.hash(&(&**host, &**path));
        self.addresses.insert(hash, address, |address| address.is(host, path));
    }

    /// An address more or less names a host.
    fn count(&mut self, host: &Arc<str>, by: isize) {
        if host.is_empty() {
            return;
        }
        let (hash, before) = (self.hosts.hash(&**host), self.host(host).map_or(0, |(_, count)| *count));
        match before.saturating_add_signed(by) {
            0 => drop(self.hosts.remove(hash, |(name, _)| name == host)),
            count => self.hosts.insert(hash, (Arc::clone(host), count), |(name, _)| name == host),
        }
    }
}

impl Address {
    fn is(&self, host: &str, path: &str) -> bool {
        *self.host == *host && *self.path == *path
    }

    fn claimants(&self) -> impl Iterator<Item = &Arc<Route>> {
        std::iter::once(&self.holder).chain(&self.rivals)
    }
}
