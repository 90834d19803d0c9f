//! Versions of resources: content hashes, so that two operators with the same objects agree on them without talking.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The version of a resource: the first 16 bytes of the SHA-256 of its body. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u8; 16]);

impl Version {
    /// The version of an encoded body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let mut version = [0; 16];
        version.copy_from_slice(&Sha256::digest(body)[..16]);
        Self(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A gateway writes all its versions whenever it subscribes: byte by byte through the formatter was half of what a start cost.
        let mut digits = [0; 32];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.pad(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the version of a resource")]
pub struct VersionError;

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut version = [0; 16];
        // One spelling only: versions are compared as text by people and scripts.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(VersionError);
        }
        hex::decode_to_slice(text, &mut version).map_err(|_| VersionError)?;
        Ok(Self(version))
    }
}

#[cfg(test)]
mod tests;
