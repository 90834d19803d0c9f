//! Tokens: a signed JWT (RFC 7515, 7519) taken apart without trusting it, and what it says once its signature holds.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::keys::Keys;
use super::strict;

/// Bytes of a token.
const TOKEN: usize = 16 * 1024;
/// Bytes of a subject.
const SUBJECT: usize = 1024;
/// Header members by which a token would bring its own key, or be something else than a plain signed token.
const REFUSED: [&str; 9] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip", "cty"];
/// Kinds of token (RFC 9068); one for another purpose, such as `logout+jwt`, says so.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// A token as it was sent. Nothing in it is true yet.
pub(super) struct Token<'t> {
    /// The part that is signed.
    signed: &'t str,
    signature: &'t str,
    algorithm: String,
    key: Option<String>,
    claims: Value,
}

/// What a token with a good signature says.
pub(super) struct Said {
    pub(super) subject: String,
    pub(super) audiences: Vec<String>,
    /// Seconds since 1970.
    pub(super) expires: u64,
    pub(super) not_before: u64,
    pub(super) claims: Value,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'t str) -> Result<Self, &'static str> {
        if text.len() > TOKEN {
            return Err("the token is too large");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or("not a signed token")?;
        let (header, payload) =
            signed.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or("not a signed token")?;
        let header = object(header).ok_or("the token's header is malformed")?;
        let claims = object(payload).ok_or("the token's claims are malformed")?;
        if REFUSED.iter().any(|name| header.get(name).is_some()) {
            return Err("the token's header asks for what is not supported");
        }
        let kind = header.get("typ").map(|kind| kind.as_str().unwrap_or_default().to_ascii_lowercase());
        if kind.is_some_and(|kind| !TYPES.contains(&kind.as_str())) {
            return Err("the token is of another type");
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err("the token's header is malformed"),
        };
        let algorithm = text("alg")?.ok_or("the token's header is malformed")?;
        Ok(Self { signed, signature, algorithm, key: text("kid")?, claims })
    }

    /// Who claims to have issued it: only for finding the keys.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// The name of the key that it claims to be signed with.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether one of `keys` signed it.
    pub(super) fn is_signed_by(&self, keys: &Keys) -> bool {
        keys.verify(&self.algorithm, self.key.as_deref(), self.signed.as_bytes(), self.signature)
    }

    /// What it says; only for tokens whose signature holds. Times are whole numbers: anything else is not what we think it is.
    pub(super) fn said(self) -> Result<Said, &'static str> {
        let subject = self.claims.get("sub").and_then(Value::as_str).ok_or("the token names no subject")?;
        if subject.is_empty() || subject.len() > SUBJECT {
            return Err("the token names no usable subject");
        }
        let expires = self.claims.get("exp").and_then(Value::as_u64).ok_or("the token does not say when it expires")?;
        let not_before = match self.claims.get("nbf") {
            None => 0,
            Some(time) => time.as_u64().ok_or("the token's nbf is malformed")?,
        };
        let audiences = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => {
                let all = all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>();
                all.ok_or("the token's audience is malformed")?
            }
            _ => return Err("the token names no audience"),
        };
        Ok(Said { subject: subject.to_owned(), audiences, expires, not_before, claims: self.claims })
    }
}

fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    strict::parse(&bytes).filter(Value::is_object)
}
