//! A piece of a body, taken out of what has arrived. Pure.

use bytes::{Buf, Bytes, BytesMut};

/// Pieces up to this size are copied: cheaper than sharing the buffer, which then stays whole for the next read.
const COPIED: usize = 2048;

/// What came out of the bytes that have arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// A piece of the body.
    Data(Bytes),
    /// More bytes are needed.
    Starved,
    /// The body has ended.
    End,
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
