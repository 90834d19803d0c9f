//! The body of an answer, taken piece by piece out of what has arrived, however that was cut. Pure; it never takes a byte beyond the body's end.

use bytes::BytesMut;

use super::chunked::Chunked;
use super::piece::{Progress, take};
use crate::upstream::UpstreamError;

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
