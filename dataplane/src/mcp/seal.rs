//! Sealed text: what a client carries for us and can neither read nor change. AES-256-GCM under the fleet's keys, one derived key per context.
//!
//! It must never open what was sealed for another context or other associated data, nor show a key, also not in Debug output.

mod ring;

use aws_lc_rs::aead::{Aad, MAX_TAG_LEN, NONCE_LEN, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memrchr;
pub use ring::{KeyFileError, Ring};

/// What a sealed text is for; each context has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// A legacy session's id.
    Session,
    /// A place in a list.
    Cursor,
    /// The last known good configuration on disk.
    LastGood,
    /// Fetched key sets on disk.
    KeySets,
}

impl Context {
    pub(crate) const ALL: [Self; 4] = [Self::Session, Self::Cursor, Self::LastGood, Self::KeySets];

    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Cursor => "cursor",
            Self::LastGood => "last good",
            Self::KeySets => "key sets",
        }
    }
}

/// Who may use a sealed text, and where. It is associated data: nothing of it is in the text, and any difference makes opening fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The route's resource name.
    pub route: &'a str,
    /// The tenant: the route's namespace.
    pub tenant: &'a str,
    /// The principal's key.
    pub principal: &'a [u8],
}

impl Binding<'_> {
    /// The parts with their lengths, so that no two bindings have the same bytes.
    fn associated_data(&self, prefix: &str) -> Vec<u8> {
        let parts = [prefix.as_bytes(), self.route.as_bytes(), self.tenant.as_bytes(), self.principal];
        // Once per call of an older client: a buffer that grew cost as much as the decryption.
        let mut out = Vec::with_capacity(parts.iter().map(|part| size_of::<u64>() + part.len()).sum());
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// Why a text was not opened. A client learns no more than that it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// It does not have the form of a sealed text.
    #[error("not a sealed text")]
    Malformed,
    /// No key of the ring has its id.
    #[error("sealed with a key that is not held")]
    UnknownKey,
    /// It was changed, or belongs to another route, principal or context.
    #[error("not sealed for this use")]
    Forged,
    /// Its time is over.
    #[error("expired")]
    Expired,
}

/// Longest text that is looked at: 32 upstream sessions with long ids stay below it, and a header of this size fits the head's limit.
pub const MAX_TEXT: usize = 32 * 1024;

const VERSION: &str = "v1";

/// Seals `plain`: `v1.KEY.BASE64URL` of nonce, cipher text and tag. Nonces are random, so a key is good for 2^32 texts.
#[must_use]
pub fn seal(ring: &Ring, context: Context, binding: &Binding<'_>, plain: &[u8]) -> String {
    let (prefix, whole) = close(ring, context, binding, plain);
    prefix + &URL_SAFE_NO_PAD.encode(whole)
}

/// Seals what no client carries, without the base64: `v1.KEY.`, nonce, cipher text and tag.
#[must_use]
pub fn seal_bytes(ring: &Ring, context: Context, binding: &Binding<'_>, plain: &[u8]) -> Vec<u8> {
    let (prefix, whole) = close(ring, context, binding, plain);
    [prefix.as_bytes(), &whole].concat()
}

/// What comes first, and nonce, cipher text and tag.
#[expect(
    clippy::expect_used,
    reason = "AES-GCM refuses only texts of 64 GiB, and aws-lc aborts when it has no randomness"
)]
fn close(ring: &Ring, context: Context, binding: &Binding<'_>, plain: &[u8]) -> (String, Vec<u8>) {
    let key = ring.sealing();
    let prefix = format!("{VERSION}.{}.", key.id);
    let mut sealed = Vec::with_capacity(plain.len() + MAX_TAG_LEN);
    sealed.extend_from_slice(plain);
    let aad = Aad::from(binding.associated_data(&prefix));
    let nonce = key.cipher(context).seal_in_place_append_tag(aad, &mut sealed).expect("a short text");
    (prefix, [nonce.as_ref().as_slice(), &sealed].concat())
}

/// Opens a sealed text.
///
/// # Errors
/// [`Unsealed`]; never [`Unsealed::Expired`], which is for what is inside to tell.
pub fn open(ring: &Ring, context: Context, binding: &Binding<'_>, text: &str) -> Result<Vec<u8>, Unsealed> {
    if text.len() > MAX_TEXT {
        return Err(Unsealed::Malformed);
    }
    let mut parts = text.splitn(3, '.');
    let (Some(VERSION), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Unsealed::Malformed);
    };
    let whole = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Unsealed::Malformed)?;
    unclose(ring, context, binding, id, whole)
}

/// Opens sealed bytes.
///
/// # Errors
/// [`Unsealed`]; never [`Unsealed::Expired`].
pub fn open_bytes(ring: &Ring, context: Context, binding: &Binding<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'.');
    let (Some(version), Some(id), Some(whole)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Unsealed::Malformed);
    };
    if version != VERSION.as_bytes() {
        return Err(Unsealed::Malformed);
    }
    let id = std::str::from_utf8(id).map_err(|_| Unsealed::Malformed)?;
    unclose(ring, context, binding, id, whole.to_vec())
}

fn unclose(
    ring: &Ring,
    context: Context,
    binding: &Binding<'_>,
    id: &str,
    mut whole: Vec<u8>,
) -> Result<Vec<u8>, Unsealed> {
    let Some((nonce, sealed)) = whole.split_at_mut_checked(NONCE_LEN) else { return Err(Unsealed::Malformed) };
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealed::Malformed)?;
    let key = ring.opening(id).ok_or(Unsealed::UnknownKey)?;
    let aad = Aad::from(binding.associated_data(&format!("{VERSION}.{id}.")));
    let plain = key.cipher(context).open_in_place(nonce, aad, sealed).map_err(|_| Unsealed::Forged)?.len();
    whole.truncate(NONCE_LEN + plain);
    whole.drain(..NONCE_LEN);
    Ok(whole)
}

/// The nonce of a sealed text as it is spelled there.
pub(super) fn nonce(text: &str) -> Option<[u8; NONCE_LEN / 3 * 4]> {
    // Long text: several bytes at a time.
    let encoded = &text[memrchr(b'.', text.as_bytes())? + 1..];
    encoded.as_bytes().first_chunk().copied()
}

#[cfg(test)]
mod tests;
