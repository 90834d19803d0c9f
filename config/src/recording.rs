//! Recordings of a configuration stream: what an operator or a gateway of one release said, to be played to the other side of another.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use prost::Message;

use crate::limits::MESSAGE_BYTES;

/// Appends messages, each with its length before it.
///
/// # Errors
/// The writer's own.
pub fn write<'a, M: Message + 'a>(
    writer: &mut impl Write,
    messages: impl IntoIterator<Item = &'a M>,
) -> io::Result<()> {
    messages.into_iter().try_for_each(|message| writer.write_all(&message.encode_length_delimited_to_vec()))
}

/// Reads a whole recording.
///
/// # Errors
/// The reader's own, or `InvalidData` if the bytes are no recording.
pub fn read<M: Message + Default>(reader: &mut impl Read) -> io::Result<Vec<M>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let mut rest = Bytes::from(bytes);
    let mut messages = Vec::new();
    while rest.has_remaining() {
        let length = prost::decode_length_delimiter(&mut rest)?;
        if length > rest.len() || length > MESSAGE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is cut off or too long"));
        }
        messages.push(M::decode(rest.split_to(length))?);
    }
    Ok(messages)
}

#[cfg(test)]
mod tests;
