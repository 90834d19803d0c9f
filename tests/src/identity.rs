//! An identity provider: a key, its public half as a JWKS, and tokens, good ones and every kind of bad one.

mod published;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

pub use self::published::{Keys, Published};
use crate::manifests::merged;

/// Who gives out tokens.
pub struct Issuer {
    /// Its `iss`.
    pub url: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// The name of its key.
    pub key_id: String,
    key: rcgen::KeyPair,
}

impl Issuer {
    /// An issuer with a key of its own.
    ///
    /// # Errors
    /// No key can be made.
    pub fn new(url: &str, audience: &str) -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        Ok(Self { url: url.to_owned(), audience: audience.to_owned(), key_id: "one".to_owned(), key })
    }

    /// The same issuer after it has changed its key for one of this name.
    ///
    /// # Errors
    /// No key can be made.
    pub fn rotated(&self, key_id: &str) -> anyhow::Result<Self> {
        Ok(Self { key_id: key_id.to_owned(), ..Self::new(&self.url, &self.audience)? })
    }

    /// Its key set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> String {
        // An uncompressed point: 0x04, x, y.
        let point = self.key.public_key_raw();
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        let (x, y) = (coordinate(1..33), coordinate(33..65));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id, "x": x, "y": y}]})
            .to_string()
    }

    /// The `authentication.jwt` of a policy that takes its tokens.
    #[must_use]
    pub fn jwt(&self) -> Value {
        self.jwt_from(&json!({"inline": self.jwks()}))
    }

    /// The same, with the keys from elsewhere.
    #[must_use]
    pub fn jwt_from(&self, jwks: &Value) -> Value {
        json!([{"issuer": self.url, "audiences": [self.audience], "jwks": jwks}])
    }

    /// The claims of a good token, an hour long.
    #[must_use]
    pub fn claims(&self, subject: &str) -> Value {
        json!({"iss": self.url, "aud": self.audience, "sub": subject, "exp": now() + 3600, "iat": now()})
    }

    /// A good token.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token(&self, subject: &str) -> anyhow::Result<String> {
        self.signed(&self.claims(subject))
    }

    /// A good token with other or further claims.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token_with(&self, subject: &str, claims: &Value) -> anyhow::Result<String> {
        self.signed(&merged(self.claims(subject), claims))
    }

    /// Any claims under a good signature.
    ///
    /// # Errors
    /// They cannot be signed.
    pub fn signed(&self, claims: &Value) -> anyhow::Result<String> {
        self.with_header(&json!({"alg": "ES256", "typ": "JWT", "kid": self.key_id}), &claims.to_string())
    }

    /// Any header and payload, signed with the key whatever the header says.
    ///
    /// # Errors
    /// They cannot be signed.
    pub fn with_header(&self, header: &Value, payload: &str) -> anyhow::Result<String> {
        let message = message(header, payload);
        let key = EncodingKey::from_ec_der(&self.key.serialize_der());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).context("sign")?;
        Ok(format!("{message}.{signature}"))
    }

    /// A token that says it needs no signature.
    #[must_use]
    pub fn unsigned(&self, subject: &str) -> String {
        format!("{}.", message(&json!({"alg": "none", "typ": "JWT"}), &self.claims(subject).to_string()))
    }

    /// A token whose signature is an HMAC with the public key, which everybody knows.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn confused(&self, subject: &str) -> anyhow::Result<String> {
        let message = message(&json!({"alg": "HS256", "typ": "JWT", "kid": "one"}), &self.claims(subject).to_string());
        let key = EncodingKey::from_secret(self.key.public_key_raw());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).context("sign")?;
        Ok(format!("{message}.{signature}"))
    }
}

fn message(header: &Value, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload))
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or_default()
}
