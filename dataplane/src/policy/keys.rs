//! Keys of an issuer: parsed once, each pinned to the algorithms that its own type and `alg` allow.
//!
//! Only public keys for signatures are taken. A token never chooses the algorithm, only among those of one key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::strict;

/// Bytes of a key set.
const DOCUMENT: usize = 256 * 1024;
/// Keys of a set: issuers publish two or three.
const KEYS: usize = 64;
/// Keys that are tried for one token: each costs a signature check.
const TRIES: usize = 4;
/// Bytes of an RSA modulus: 2048 to 8192 bits.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// The keys of one issuer.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

/// Whether a document is a key set with a key that could be used. The error never repeats it.
pub fn check(document: &[u8]) -> Result<(), String> {
    Keys::parse(document).map(drop)
}

struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Keys {
    /// Parses a JWK set (RFC 7517). Keys for other uses are passed over; a set without any that can be used is an error.
    pub(super) fn parse(document: &[u8]) -> Result<Self, String> {
        if document.len() > DOCUMENT {
            return Err(format!("is larger than {DOCUMENT} bytes"));
        }
        let set = strict::parse(document).ok_or("is not JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("has no member \"keys\": it must be a JWK set")?;
        if keys.len() > KEYS {
            return Err(format!("has more than {KEYS} keys"));
        }
        let usable: Vec<Key> = keys.iter().filter_map(Key::parse).collect();
        if usable.is_empty() {
            return Err(
                "has no public key for signatures: RSA of 2048 bits or more, EC P-256 or P-384, or Ed25519".into()
            );
        }
        Ok(Self(usable))
    }

    /// Whether there is none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key of this name.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        id.is_some() && self.0.iter().any(|key| key.id.as_deref() == id)
    }

    /// Whether one of the keys that the token may mean signed `message`.
    pub(super) fn verify(&self, algorithm: &str, id: Option<&str>, message: &[u8], signature: &str) -> bool {
        let Ok(algorithm) = algorithm.parse::<Algorithm>() else { return false };
        let meant = |key: &&Key| {
            key.algorithms.contains(&algorithm) && (id.is_none() || key.id.is_none() || id == key.id.as_deref())
        };
        let mut candidates = self.0.iter().filter(meant).take(TRIES);
        candidates.any(|key| jsonwebtoken::crypto::verify(signature, message, &key.key, algorithm).unwrap_or(false))
    }
}

impl Key {
    fn parse(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        let may_verify = operations.is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !is_for_signatures || !may_verify {
            return None;
        }
        let (key, mut algorithms) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (rsa(text("n")?, text("e")?)?, RSA.to_vec()),
            ("EC", Some("P-256")) => (ec(text("x")?, text("y")?, 32)?, vec![Algorithm::ES256]),
            ("EC", Some("P-384")) => (ec(text("x")?, text("y")?, 48)?, vec![Algorithm::ES384]),
            ("OKP", Some("Ed25519")) => (ed25519(text("x")?)?, vec![Algorithm::EdDSA]),
            _ => return None,
        };
        if let Some(own) = jwk.get("alg") {
            let own: Algorithm = own.as_str()?.parse().ok()?;
            algorithms.retain(|algorithm| *algorithm == own);
        }
        (!algorithms.is_empty()).then(|| Self { id: text("kid").map(str::to_owned), algorithms, key })
    }
}

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let modulus = URL_SAFE_NO_PAD.decode(modulus).ok()?;
    let exponent = URL_SAFE_NO_PAD.decode(exponent).ok()?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    RSA_MODULUS.contains(&significant).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn ec(x: &str, y: &str, coordinate: usize) -> Option<DecodingKey> {
    let fits = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == coordinate);
    (fits(x) && fits(y)).then(|| DecodingKey::from_ec_components(x, y).ok())?
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    URL_SAFE_NO_PAD.decode(x).is_ok_and(|bytes| bytes.len() == 32).then(|| DecodingKey::from_ed_components(x).ok())?
}

#[cfg(test)]
mod tests;
