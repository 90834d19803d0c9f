//! Cursors: a place in a list, sealed to the route and the principal it was given to.

use super::seal::{self, Binding, Context, Ring, Unsealed};

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the next item in the whole list.
    pub offset: u32,
    /// Hash of what was being listed: in another list the place would mean something else.
    pub catalogue: u64,
}

impl Cursor {
    /// The cursor that an agent sees.
    #[must_use]
    pub fn seal(&self, ring: &Ring, binding: &Binding<'_>) -> String {
        let mut plain = [0; 12];
        plain[..4].copy_from_slice(&self.offset.to_be_bytes());
        plain[4..].copy_from_slice(&self.catalogue.to_be_bytes());
        seal::seal(ring, Context::Cursor, binding, &plain)
    }

    /// Reads a cursor back.
    ///
    /// # Errors
    /// [`Unsealed`]: to the agent each of them is an invalid cursor (-32602), after which it starts over.
    pub fn open(ring: &Ring, binding: &Binding<'_>, text: &str) -> Result<Self, Unsealed> {
        let plain = seal::open(ring, Context::Cursor, binding, text)?;
        let (offset, catalogue) = plain.split_at_checked(4).ok_or(Unsealed::Malformed)?;
        let offset = offset.try_into().map_err(|_| Unsealed::Malformed)?;
        let catalogue = catalogue.try_into().map_err(|_| Unsealed::Malformed)?;
        Ok(Self { offset: u32::from_be_bytes(offset), catalogue: u64::from_be_bytes(catalogue) })
    }
}

#[cfg(test)]
mod tests;
