//! How many connections there may be: in all, and of one source.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts connections of the whole process, shared by the workers. Touched twice in a connection's life, never by a request.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total: usize,
    per_source: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    sources: HashMap<IpAddr, usize>,
}

/// One connection's place; dropping it gives the place back.
#[derive(Debug)]
#[must_use]
pub struct Place {
    admission: Admission,
    source: IpAddr,
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The process has as many as it may.
    Process,
    /// This source has as many as it may.
    Source,
}

impl Full {
    /// One word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "connections",
            Self::Source => "connections_of_source",
        }
    }
}

impl Admission {
    /// At most `total` connections, at most `per_source` of them from one source.
    #[must_use]
    pub fn new(total: usize, per_source: usize) -> Self {
        Self(Arc::new(Inner { total, per_source, open: Mutex::default() }))
    }

    /// A place for a connection from this address.
    ///
    /// # Errors
    /// The bound that was reached.
    pub fn admit(&self, address: IpAddr) -> Result<Place, Full> {
        let source = source(address);
        let mut open = self.0.open.lock();
        if open.total >= self.0.total {
            return Err(Full::Process);
        }
        let count = open.sources.entry(source).or_default();
        if *count >= self.0.per_source {
            return Err(Full::Source);
        }
        *count += 1;
        open.total += 1;
        Ok(Place { admission: self.clone(), source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.0.open.lock();
        open.total -= 1;
        if let Some(count) = open.sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.sources.remove(&self.source);
            }
        }
    }
}

/// One household has a whole /64 of IPv6, so that single addresses of it mean nothing.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
