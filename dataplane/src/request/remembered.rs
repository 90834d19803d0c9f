//! Sessions that were opened lately, by their id: opening one decrypts and parses, a fourteenth of the instructions of an older client's call.
//!
//! Only what opened is remembered, and it is found again only by the same bytes, under the same binding and the same ring of keys: a memory
//! that is full or empty changes cost and never an answer. Whether a session has expired or was ended is for every request to ask.

use std::sync::{Arc, Weak};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::mcp::seal::{Binding, Ring, Unsealed};
use crate::mcp::session::Session;

/// Bytes, roughly, that all sessions may take that are remembered.
const BYTES: u64 = 16 << 20;
const ITEMS: usize = 10_000;
/// Bytes of a session beside its texts, which its id contains.
const FIXED: usize = 256;

/// What was opened lately.
pub struct Remembered(Cache<Box<str>, Arc<Kept>, Weight>);

struct Kept {
    route: Box<str>,
    tenant: Box<str>,
    principal: Box<[u8]>,
    /// Weak: keys that are no longer in force must not live on here. No other ring can get its address while this stands.
    ring: Weak<Ring>,
    session: Arc<Session>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<str>, Arc<Kept>> for Weight {
    fn weight(&self, id: &Box<str>, _: &Arc<Kept>) -> u64 {
        // Once for the id, once for what was in it.
        (2 * id.len() + FIXED) as u64
    }
}

impl Default for Remembered {
    fn default() -> Self {
        Self(Cache::with_weighter(ITEMS, BYTES, Weight))
    }
}

impl Remembered {
    /// Reads a session back from its id, as [`Session::open`] does. `now` in seconds since 1970.
    ///
    /// # Errors
    /// [`Unsealed`], as there.
    pub fn open(&self, ring: &Arc<Ring>, binding: &Binding<'_>, id: &str, now: u64) -> Result<Arc<Session>, Unsealed> {
        if let Some(kept) = self.0.get(id).filter(|kept| kept.is_for(ring, binding)) {
            return if kept.session.expires <= now { Err(Unsealed::Expired) } else { Ok(Arc::clone(&kept.session)) };
        }
        let session = Arc::new(Session::open(ring, binding, id, now)?);
        let kept = Kept {
            route: binding.route.into(),
            tenant: binding.tenant.into(),
            principal: binding.principal.into(),
            ring: Arc::downgrade(ring),
            session: Arc::clone(&session),
        };
        self.0.insert(id.into(), Arc::new(kept));
        Ok(session)
    }
}

impl Kept {
    fn is_for(&self, ring: &Arc<Ring>, binding: &Binding<'_>) -> bool {
        std::ptr::eq(self.ring.as_ptr(), Arc::as_ptr(ring))
            && *self.route == *binding.route
            && *self.tenant == *binding.tenant
            && *self.principal == *binding.principal
    }
}

#[cfg(test)]
mod tests;
