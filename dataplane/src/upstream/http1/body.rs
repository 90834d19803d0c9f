//! The body of an answer, taken piece by piece out of what has arrived, however that was cut. Pure; it never takes a byte beyond the body's end.

use bytes::{Buf, Bytes, BytesMut};

use super::answer::Progress;
use super::chunked::Chunked;
use crate::upstream::UpstreamError;

/// Pieces up to this size are copied: cheaper than sharing the buffer, which then stays whole for the next read.
const COPIED: usize = 2048;

/// What is still to come of a body.
#[derive(Debug)]
pub(super) enum Decoder {
    /// So many bytes.
    Length(u64),
    Chunked(Chunked),
    /// Everything until the server closes; `true` once it has.
    UntilClose(bool),
}

impl Decoder {
    /// Whether all of it was taken.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_done(),
            Self::UntilClose(closed) => *closed,
        }
    }

    /// How many bytes are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            _ => self.is_done().then_some(0),
        }
    }

    /// The next piece that `input` holds.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Progress, UpstreamError> {
        match self {
            Self::Chunked(chunked) => chunked.next(input),
            _ if self.is_done() => Ok(Progress::End),
            _ if input.is_empty() => Ok(Progress::Starved),
            Self::Length(left) => {
                let data = take(input, *left);
                *left -= data.len() as u64;
                Ok(Progress::Data(data))
            }
            Self::UntilClose(_) => Ok(Progress::Data(take(input, u64::MAX))),
        }
    }

    /// The server has closed: the end of a body that ends so, and the loss of any other.
    pub(super) fn close(&mut self) -> Result<(), UpstreamError> {
        match self {
            Self::UntilClose(closed) => *closed = true,
            _ if self.is_done() => {}
            _ => return Err(UpstreamError::Closed { sent: true }),
        }
        Ok(())
    }
}

/// What is there, but not more than `most`.
pub(super) fn take(input: &mut BytesMut, most: u64) -> Bytes {
    let length = usize::try_from(most).map_or(input.len(), |most| most.min(input.len()));
    if length > COPIED {
        return input.split_to(length).freeze();
    }
    let copy = Bytes::copy_from_slice(&input[..length]);
    input.advance(length);
    copy
}
