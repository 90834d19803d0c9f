//! Reads the head of an answer, and past the interim ones before it (RFC 9110, 15.2). Pure: what has arrived goes in, a head comes out.

use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use httparse::{ParserConfig, Status};
use memchr::memchr_iter;

use super::body::Decoder;
use super::framing::Framing;
use super::{FIELDS, HEAD, NOT_HTTP, TOO_LARGE};
use crate::mcp::headers::SESSION_ID;
use crate::upstream::UpstreamError;

/// Interim answers before one answer: a server that sends nothing else would keep us reading.
const INTERIM: u8 = 16;

/// The fields of an answer that this gateway reads; none of them goes on to an agent. The others are checked and dropped: to keep one costs 300
/// instructions.
static READ: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_ENCODING, SESSION_ID];

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header fields that this gateway reads, as the server sent them.
    pub headers: HeaderMap,
}

/// A head with what it says of what follows.
pub(super) struct Announced {
    pub(super) head: Head,
    pub(super) body: Decoder,
    /// Whether the connection may go on after the body.
    pub(super) goes_on: bool,
}

/// Reads the heads that answer one request.
#[derive(Debug)]
pub(super) struct Heads {
    /// The answer has no body whatever its head says: HEAD was asked.
    bodiless: bool,
    interim: u8,
    /// Bytes of a head that is not whole yet. Only a blank line beyond them is worth another look, or dripping it would cost its square.
    seen: usize,
}

impl Heads {
    pub(super) fn new(bodiless: bool) -> Self {
        Self { bodiless, interim: 0, seen: 0 }
    }

    /// The head of the final answer; `None` until all of it has arrived.
    pub(super) fn read(&mut self, input: &mut BytesMut) -> Result<Option<Announced>, UpstreamError> {
        loop {
            let Some(whole) = self.whole(input)? else { return Ok(None) };
            input.advance(whole.length);
            self.seen = 0;
            match whole.answer {
                Some(answer) => return Ok(Some(answer)),
                None if self.interim >= INTERIM => return Err(NOT_HTTP),
                None => self.interim += 1,
            }
        }
    }

    fn whole(&mut self, input: &[u8]) -> Result<Option<Whole>, UpstreamError> {
        let is_new = self.seen == 0 || has_blank_line(&input[self.seen.saturating_sub(2).min(input.len())..]);
        let whole = if input.is_empty() || !is_new { None } else { parse(input, self.bodiless)? };
        let length = whole.as_ref().map_or(input.len(), |whole| whole.length);
        if length > HEAD {
            return Err(TOO_LARGE);
        }
        self.seen = input.len();
        Ok(whole)
    }
}

/// A head that is all there.
struct Whole {
    length: usize,
    /// `None` for an interim answer.
    answer: Option<Announced>,
}

fn has_blank_line(bytes: &[u8]) -> bool {
    memchr_iter(b'\n', bytes).any(|at| matches!(bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

fn parse(input: &[u8], bodiless: bool) -> Result<Option<Whole>, UpstreamError> {
    // httparse skips empty lines, which nothing entitles a server to.
    if input.first() != Some(&b'H') {
        return Err(NOT_HTTP);
    }
    let mut space = [const { MaybeUninit::uninit() }; FIELDS];
    let mut response = httparse::Response::new(&mut []);
    // Neither folded lines nor space around a field's name nor lines that are no fields: the parser's own defaults.
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut space);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(TOO_LARGE),
        Err(_) => return Err(NOT_HTTP),
    };
    let code = response.code.ok_or(NOT_HTTP)?;
    let status = StatusCode::from_u16(code).map_err(|_| NOT_HTTP)?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::Protocol("the server switched protocols"));
    }
    if status.is_informational() {
        return Ok(Some(Whole { length, answer: None }));
    }
    let (headers, framing) = fields(response.headers)?;
    let (body, goes_on) = framing.settle(status, response.version == Some(0), bodiless)?;
    Ok(Some(Whole { length, answer: Some(Announced { head: Head { status, headers }, body, goes_on }) }))
}

fn fields(fields: &[httparse::Header<'_>]) -> Result<(HeaderMap, Framing), UpstreamError> {
    let mut framing = Framing::default();
    let mut headers = HeaderMap::with_capacity(READ.len());
    for field in fields {
        framing.note(field.name, field.value)?;
        if let Some(name) = READ.iter().find(|name| field.name.eq_ignore_ascii_case(name.as_str())) {
            headers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| NOT_HTTP)?);
        }
    }
    Ok((headers, framing))
}
