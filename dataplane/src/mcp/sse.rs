//! Event streams: reading an upstream's, chunk by chunk, and writing our own.
//!
//! What is written is framed anew, so nothing of an upstream's framing reaches an agent. Events are bounded; data is copied only where it must be.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr2;

/// Largest event that is read unless said otherwise: also the largest that the official Python client accepts.
pub const MAX_EVENT: usize = 1024 * 1024;

/// One event of a stream (HTML, Server-sent events).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// `event`; absent means `message`.
    pub event: Option<Bytes>,
    /// `id`, which must not be passed on: it means something to its own server only.
    pub id: Option<Bytes>,
    /// `retry`, in milliseconds.
    pub retry: Option<u64>,
    /// The lines of `data`, joined by line feeds. Empty for events that only announce an id or a delay.
    pub data: Bytes,
}

/// An event outgrew the bound; the stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {0} bytes")]
pub struct TooLarge(pub usize);

/// Reads a stream incrementally: [`Parser::push`] a chunk, then take [`Parser::event`] until there is none.
#[derive(Debug)]
pub struct Parser {
    max_event: usize,
    chunk: Bytes,
    /// The beginning of a line that the chunks so far did not end.
    partial: BytesMut,
    pending: Pending,
    first_line: bool,
    after_cr: bool,
}

#[derive(Debug, Default)]
struct Pending {
    event: Event,
    /// More than one line of data, joined.
    joined: BytesMut,
    lines: usize,
    any: bool,
    size: usize,
}

impl Parser {
    /// A parser at the start of a stream; `max_event` in bytes.
    #[must_use]
    pub fn new(max_event: usize) -> Self {
        Self {
            max_event,
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            pending: Pending::default(),
            first_line: true,
            after_cr: false,
        }
    }

    /// Hands over the next chunk.
    pub fn push(&mut self, chunk: Bytes) {
        self.chunk = if self.chunk.is_empty() { chunk } else { [&self.chunk[..], &chunk].concat().into() };
    }

    /// The next whole event, if the chunks so far hold one.
    ///
    /// # Errors
    /// [`TooLarge`], after which the stream is to be given up.
    pub fn event(&mut self) -> Result<Option<Event>, TooLarge> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if let Some(event) = self.pending.take() {
                    return Ok(Some(event));
                }
                continue;
            }
            self.pending.line(line);
            if self.pending.size > self.max_event {
                return Err(TooLarge(self.max_event));
            }
        }
        Ok(None)
    }

    /// Whether the stream stopped in the middle of an event, which then must not be acted upon.
    #[must_use]
    pub fn is_within_event(&self) -> bool {
        self.pending.any || !self.partial.is_empty()
    }

    /// The next line without its end: CR, LF or both. CR ends a line at once, also when an LF is still on its way.
    fn line(&mut self) -> Result<Option<Bytes>, TooLarge> {
        if self.after_cr && !self.chunk.is_empty() {
            self.after_cr = false;
            if self.chunk[0] == b'\n' {
                self.chunk.advance(1);
            }
        }
        let end = memchr2(b'\r', b'\n', &self.chunk);
        let taken = end.unwrap_or(self.chunk.len());
        if self.partial.len() + taken > self.max_event {
            return Err(TooLarge(self.max_event));
        }
        let Some(end) = end else {
            self.partial.extend_from_slice(&self.chunk);
            self.chunk.clear();
            return Ok(None);
        };
        let mut line = self.chunk.split_to(end);
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(&line);
            line = self.partial.split().freeze();
        }
        self.after_cr = self.chunk[0] == b'\r';
        self.chunk.advance(1);
        if std::mem::take(&mut self.first_line) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        Ok(Some(line))
    }
}

impl Pending {
    fn line(&mut self, mut line: Bytes) {
        let colon = line.iter().position(|byte| *byte == b':');
        if colon == Some(0) {
            return; // a comment
        }
        self.size += line.len();
        let name = line.split_to(colon.unwrap_or(line.len()));
        if colon.is_some() {
            line.advance(1);
        }
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        match &name[..] {
            b"data" => self.data(line),
            b"event" => self.event.event = Some(line),
            // An id with a NUL is ignored, a delay that is not a number too.
            b"id" if !line.contains(&0) => self.event.id = Some(line),
            b"retry" => match std::str::from_utf8(&line).ok().and_then(|text| text.parse().ok()) {
                Some(retry) => self.event.retry = Some(retry),
                None => return,
            },
            _ => return,
        }
        self.any = true;
    }

    fn data(&mut self, line: Bytes) {
        self.lines += 1;
        if self.lines == 1 {
            self.event.data = line;
            return;
        }
        if self.lines == 2 {
            let first = std::mem::take(&mut self.event.data);
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(b"\n");
        self.joined.extend_from_slice(&line);
    }

    fn take(&mut self) -> Option<Event> {
        let Self { mut event, joined, lines, any, .. } = std::mem::take(self);
        if lines > 1 {
            event.data = joined.freeze();
        }
        any.then_some(event)
    }
}

/// A `message` event with `data`, JSON. Line ends within it, which can only be insignificant white space, begin new `data` lines.
#[must_use]
pub fn encode(data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 32);
    out.extend_from_slice(b"event: message\n");
    let mut rest = data;
    loop {
        out.extend_from_slice(b"data: ");
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..end]);
        out.push(b'\n');
        let Some((line_end, after)) = rest[end..].split_first() else { break };
        rest = if *line_end == b'\r' { after.strip_prefix(b"\n").unwrap_or(after) } else { after };
    }
    out.push(b'\n');
    out.into()
}

/// A comment: keeps a silent stream open, and clients ignore it.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

#[cfg(test)]
mod tests;
