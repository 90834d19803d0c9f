//! The frame of a file that a gateway keeps: what it is, of which fleet, and whether it is whole. It knows nothing of what is in it, and reads no file.
//!
//! `PORTOLAN`, version (2 bytes), content (1), length of the fleet's name (1), the name, length of the payload (8), SHA-256 of all else (32), the payload.
//! Numbers are big-endian. The checksum tells a torn file from a whole one; that nobody has forged it is for a seal around the payload to say.

use sha2::{Digest, Sha256};

use crate::limits::FILE_BYTES;

const MAGIC: &[u8; 8] = b"PORTOLAN";
const VERSION: u16 = 1;
const CHECKSUM: usize = 32;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The last known good configuration.
    LastGood,
    /// Key sets of issuers.
    KeySets,
    /// The highest epoch that was followed.
    Epoch,
}

impl Content {
    const ALL: [Self; 3] = [Self::LastGood, Self::KeySets, Self::Epoch];

    const fn code(self) -> u8 {
        match self {
            Self::LastGood => 1,
            Self::KeySets => 2,
            Self::Epoch => 3,
        }
    }
}

/// A whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it holds.
    pub content: Content,
    /// The fleet that it was written for.
    pub fleet: &'a str,
    /// What was framed.
    pub payload: &'a [u8],
}

/// Why bytes are not a frame. Reading again does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin as our files do.
    #[error("it is not a file of Portolan")]
    Foreign,
    /// Another release wrote it.
    #[error("it has version {0}, and this release reads version {VERSION}")]
    Version(u16),
    /// It ends before its end.
    #[error("it is torn: cut off before its end")]
    Torn,
    /// Its bytes are not those that were written.
    #[error("it is damaged: its checksum does not hold")]
    Damaged,
    /// This release does not know such files.
    #[error("it holds something else")]
    Content,
    /// It is larger than anything that this release writes.
    #[error("it is larger than {FILE_BYTES} bytes")]
    TooLarge,
}

impl FrameError {
    /// One word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Version(_) => "version",
            Self::Torn => "torn",
            Self::Damaged => "damaged",
            Self::Content => "content",
            Self::TooLarge => "too_large",
        }
    }
}

impl<'a> Frame<'a> {
    /// The bytes of the frame. Of a fleet's name 255 bytes are written: names are DNS labels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let fleet = &self.fleet.as_bytes()[..self.fleet.floor_char_boundary(usize::from(u8::MAX))];
        let mut bytes = Vec::with_capacity(MAGIC.len() + 12 + fleet.len() + CHECKSUM + self.payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.push(self.content.code());
        bytes.push(u8::try_from(fleet.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(fleet);
        bytes.extend_from_slice(&(self.payload.len() as u64).to_be_bytes());
        let checksum = checksum(&bytes, self.payload);
        bytes.extend_from_slice(&checksum);
        bytes.extend_from_slice(self.payload);
        bytes
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// The bytes are not a whole frame that this release can read.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() as u64 > FILE_BYTES {
            return Err(FrameError::TooLarge);
        }
        let begun = bytes.len().min(MAGIC.len());
        if bytes[..begun] != MAGIC[..begun] {
            return Err(FrameError::Foreign);
        }
        let mut rest = Cursor(&bytes[begun..]);
        let version = u16::from_be_bytes(rest.take()?);
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let [content, name] = rest.take()?;
        let fleet = rest.slice(name.into())?;
        let length = u64::from_be_bytes(rest.take()?);
        let head = &bytes[..bytes.len() - rest.0.len()];
        let written: [u8; CHECKSUM] = rest.take()?;
        let payload = rest.0;
        match length.cmp(&(payload.len() as u64)) {
            std::cmp::Ordering::Greater => return Err(FrameError::Torn),
            std::cmp::Ordering::Less => return Err(FrameError::Damaged),
            std::cmp::Ordering::Equal => {}
        }
        if checksum(head, payload) != written {
            return Err(FrameError::Damaged);
        }
        let content = Content::ALL.into_iter().find(|known| known.code() == content).ok_or(FrameError::Content)?;
        let fleet = std::str::from_utf8(fleet).map_err(|_| FrameError::Damaged)?;
        Ok(Self { content, fleet, payload })
    }
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(FrameError::Torn)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(FrameError::Torn)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> [u8; CHECKSUM] {
    Sha256::new().chain_update(head).chain_update(payload).finalize().into()
}

#[cfg(test)]
mod tests;
