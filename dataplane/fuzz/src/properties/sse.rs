//! Event streams.

use bytes::Bytes;

use crate::mcp::sse::{Event, Parser, TooLarge, encode};

/// Bound of an event here: small, so that it is met.
const MAX_EVENT: usize = 256;

/// The first byte says how large the chunks are; the rest is the stream. How it is cut changes nothing, no event is larger than its bound, and
/// what we write reads as what was written.
pub fn sse(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    let whole = read([stream].into_iter());
    assert_eq!(read(stream.chunks(size)), whole, "in chunks of {size}");
    for event in whole.0 {
        assert!(event.data.len() <= MAX_EVENT && !event.data.contains(&b'\r'));
        assert!(event.id.is_none_or(|id| !id.contains(&0)));
    }
    written(stream);
}

/// The events up to the end or the first that is too large, and how it ended.
fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Result<bool, TooLarge>) {
    let mut parser = Parser::new(MAX_EVENT);
    let mut events = Vec::new();
    for chunk in chunks {
        parser.push(Bytes::copy_from_slice(chunk));
        loop {
            match parser.event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
    }
    let within = parser.is_within_event();
    (events, Ok(within))
}

/// An event that we write holds its data, with the line ends of event streams.
fn written(data: &[u8]) {
    let mut parser = Parser::new(usize::MAX);
    parser.push(encode(data));
    let event = parser.event().expect("no bound").expect("an event");
    let mut lines = Vec::with_capacity(data.len());
    for (at, byte) in data.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && data[at - 1] == b'\r' => {}
            b'\r' => lines.push(b'\n'),
            byte => lines.push(*byte),
        }
    }
    assert_eq!((event.event, event.id, event.data), (Some(Bytes::from_static(b"message")), None, lines.into()));
    assert_eq!(parser.event(), Ok(None));
    assert!(!parser.is_within_event());
}
