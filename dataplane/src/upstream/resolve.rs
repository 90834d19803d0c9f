//! Addresses of a remote server's name. Asked only when a connection is about to be made; the last good answer outlives a broken resolver.
//! It judges no address: the dialer does, each time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

/// An answer this young is used again without asking.
const FRESH: Duration = Duration::from_secs(5);
/// An answer this old is no longer used when the resolver fails.
const STALE: Duration = Duration::from_secs(3600);

/// A name with the last answer for it.
#[derive(Debug)]
pub(super) struct Name {
    host: String,
    port: u16,
    last: ArcSwapOption<Known>,
}

#[derive(Debug)]
struct Known {
    addresses: Vec<SocketAddr>,
    at: Instant,
}

impl Name {
    pub(super) fn new(host: String, port: u16) -> Self {
        Self { host, port, last: ArcSwapOption::empty() }
    }

    /// The name's addresses; empty if it has none that anybody knows.
    pub(super) async fn addresses(&self) -> Vec<SocketAddr> {
        if let Some(known) = self.known(FRESH) {
            return known;
        }
        let answer = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        self.learn(answer.map(Iterator::collect).unwrap_or_default())
    }

    /// Takes an answer over if it holds anything, and otherwise falls back to the last one.
    fn learn(&self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if addresses.is_empty() {
            return self.known(STALE).unwrap_or_default();
        }
        self.last.store(Some(Arc::new(Known { addresses: addresses.clone(), at: Instant::now() })));
        addresses
    }

    fn known(&self, age: Duration) -> Option<Vec<SocketAddr>> {
        let known = self.last.load();
        let known = known.as_ref()?;
        (known.at.elapsed() < age).then(|| known.addresses.clone())
    }
}

#[cfg(test)]
mod tests;
