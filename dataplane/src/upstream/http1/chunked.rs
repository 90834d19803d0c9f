//! The chunked coding of a body (RFC 9112, 7.1), read strictly: lines end with CR LF, and sizes, extensions and trailers have bounds.
//! Extensions and trailers mean nothing in MCP; they are checked and dropped. Pure.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memmem};

use super::piece::{Progress, take};
use super::{FIELDS, NOT_HTTP, TOO_LARGE};
use crate::upstream::UpstreamError;

/// Bytes of one line with a chunk's size, its extensions included.
const SIZE_LINE: usize = 4 * 1024;
/// Bytes of the extensions of one body.
const EXTENSIONS: usize = 16 * 1024;
/// Bytes of the trailers.
const TRAILERS: usize = 16 * 1024;

/// Where in a chunked body we are.
#[derive(Debug)]
pub(super) struct Chunked {
    next: Next,
    /// Bytes of extensions so far.
    extensions: usize,
    /// Bytes of trailers that were looked at.
    seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Size,
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    Trailers,
    Nothing,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { next: Next::Size, extensions: 0, seen: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Takes what comes next out of `input`; what is not whole yet stays there.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Progress, UpstreamError> {
        loop {
            let step = match self.next {
                Next::Nothing => return Ok(Progress::End),
                Next::Data(_) if input.is_empty() => return Ok(Progress::Starved),
                Next::Data(left) => return Ok(Progress::Data(self.data(input, left))),
                Next::Size => self.size(input)?,
                Next::DataEnd => line_end(input)?.then_some(Next::Size),
                Next::Trailers => self.trailers(input)?,
            };
            match step {
                Some(next) => self.next = next,
                None => return Ok(Progress::Starved),
            }
        }
    }

    fn data(&mut self, input: &mut BytesMut, left: u64) -> Bytes {
        let data = take(input, left);
        let left = left - data.len() as u64;
        self.next = if left == 0 { Next::DataEnd } else { Next::Data(left) };
        data
    }

    fn size(&mut self, input: &mut BytesMut) -> Result<Option<Next>, UpstreamError> {
        let Some(end) = memchr(b'\n', &input[..input.len().min(SIZE_LINE)]) else {
            return if input.len() >= SIZE_LINE { Err(TOO_LARGE) } else { Ok(None) };
        };
        let line = input[..end].strip_suffix(b"\r").ok_or(NOT_HTTP)?;
        let (size, extension) = size_of(line).ok_or(NOT_HTTP)?;
        self.extensions += extension;
        if self.extensions > EXTENSIONS {
            return Err(TOO_LARGE);
        }
        input.advance(end + 1);
        Ok(Some(if size == 0 { Next::Trailers } else { Next::Data(size) }))
    }

    /// Trailers, and the blank line that ends the body whether there are any or not.
    fn trailers(&mut self, input: &mut BytesMut) -> Result<Option<Next>, UpstreamError> {
        if input.first() == Some(&b'\r') {
            return Ok(line_end(input)?.then_some(Next::Nothing));
        }
        let unseen = &input[self.seen.saturating_sub(3)..];
        let Some(blank) = memmem::find(unseen, b"\r\n\r\n") else {
            self.seen = input.len();
            return if input.len() > TRAILERS { Err(TOO_LARGE) } else { Ok(None) };
        };
        let end = self.seen.saturating_sub(3) + blank + 4;
        if end > TRAILERS {
            return Err(TOO_LARGE);
        }
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        match httparse::parse_headers(&input[..end], &mut fields) {
            Ok(httparse::Status::Complete((length, _))) if length == end => {}
            _ => return Err(NOT_HTTP),
        }
        input.advance(end);
        Ok(Some(Next::Nothing))
    }
}

/// Takes CR LF away; `false` while it is not all there.
fn line_end(input: &mut BytesMut) -> Result<bool, UpstreamError> {
    match **input {
        [] | [b'\r'] => Ok(false),
        [b'\r', b'\n', ..] => {
            input.advance(2);
            Ok(true)
        }
        _ => Err(NOT_HTTP),
    }
}

/// The size that a line tells, and how many bytes of extensions; `None` if it is no such line.
fn size_of(line: &[u8]) -> Option<(u64, usize)> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(digits);
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(u64::from);
    let add = |size: u64, byte| size.checked_mul(16)?.checked_add(digit(byte)?);
    let size = if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }?;
    let extension = rest.trim_ascii_start();
    let visible = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    let fits = (extension.is_empty() || extension[0] == b';') && rest.iter().all(visible);
    fits.then_some((size, rest.len()))
}
