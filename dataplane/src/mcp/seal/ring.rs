//! The fleet's keys: one seals, all of them open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_config::limits::RING_KEYS;
use serde::{Deserialize, Serialize};

use super::Context;

const SECRET: usize = 32;

/// Why a key file is not one. Holds nothing of the file.
#[derive(Debug, thiserror::Error)]
#[error("invalid key file: {0}")]
pub struct KeyFileError(&'static str);

/// The keys of a fleet.
pub struct Ring {
    keys: Vec<Key>,
    current: usize,
}

pub(super) struct Key {
    pub(super) id: String,
    ciphers: [RandomizedNonceKey; Context::ALL.len()],
}

impl Key {
    pub(super) fn cipher(&self, context: Context) -> &RandomizedNonceKey {
        &self.ciphers[context as usize]
    }

    fn derive(id: String, secret: &[u8]) -> Result<Self, Unspecified> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portolan fleet key v1").extract(secret);
        let cipher = |context: Context| {
            let mut derived = [0; SECRET];
            root.expand(&[context.word().as_bytes()], hkdf::HKDF_SHA256)?.fill(&mut derived)?;
            RandomizedNonceKey::new(&AES_256_GCM, &derived)
        };
        let [session, cursor, last_good, key_sets] = Context::ALL;
        Ok(Self { id, ciphers: [cipher(session)?, cipher(cursor)?, cipher(last_good)?, cipher(key_sets)?] })
    }
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    keys: Vec<KeyEntry>,
}

/// `key` is 32 bytes in base64.
#[derive(Serialize, Deserialize)]
struct KeyEntry {
    id: String,
    key: String,
    state: State,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum State {
    Next,
    Current,
    Previous,
}

impl Ring {
    /// Reads a fleet key file: `{"keys":[{"id","key","state":"next|current|previous"}]}`. Exactly one key is `current`; it seals.
    ///
    /// # Errors
    /// [`KeyFileError`] says what is wrong without quoting the file.
    pub fn parse(file: &[u8]) -> Result<Self, KeyFileError> {
        let file: KeyFile = serde_json::from_slice(file).map_err(|_| KeyFileError("not the JSON of a key file"))?;
        if file.keys.len() > RING_KEYS {
            return Err(KeyFileError("too many keys"));
        }
        let is_current = |entry: &KeyEntry| entry.state == State::Current;
        let current = file.keys.iter().position(is_current).ok_or(KeyFileError("no key is current"))?;
        if file.keys[current + 1..].iter().any(is_current) {
            return Err(KeyFileError("more than one key is current"));
        }
        let mut keys: Vec<Key> = Vec::with_capacity(file.keys.len());
        for KeyEntry { id, key, .. } in file.keys {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
                return Err(KeyFileError("an id is not 1 to 64 of [A-Za-z0-9_-]"));
            }
            if keys.iter().any(|other| other.id == id) {
                return Err(KeyFileError("two keys have one id"));
            }
            let secret = STANDARD.decode(key).map_err(|_| KeyFileError("a key is not base64"))?;
            if secret.len() != SECRET {
                return Err(KeyFileError("a key is not 32 bytes"));
            }
            keys.push(Key::derive(id, &secret).map_err(|_| KeyFileError("a key cannot be used"))?);
        }
        Ok(Self { keys, current })
    }

    /// A key file with one new key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "aws-lc aborts when it has no randomness, and strings always serialise")]
    pub fn new_key_file() -> String {
        let mut secret = [0; SECRET];
        let mut id = [0; 4];
        rand::fill(&mut secret).expect("randomness");
        rand::fill(&mut id).expect("randomness");
        let entry = KeyEntry { id: hex::encode(id), key: STANDARD.encode(secret), state: State::Current };
        serde_json::to_string(&KeyFile { keys: vec![entry] }).expect("a key file")
    }

    /// A ring with one new key, which dies with the process.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a key file of our own making is valid")]
    pub fn generate() -> Self {
        Self::parse(Self::new_key_file().as_bytes()).expect("a valid key file")
    }

    /// The ids of the keys that are held.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The id of the key that seals.
    pub fn sealing_id(&self) -> &str {
        &self.sealing().id
    }

    pub(super) fn sealing(&self) -> &Key {
        &self.keys[self.current]
    }

    pub(super) fn opening(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.key_ids()).finish()
    }
}
