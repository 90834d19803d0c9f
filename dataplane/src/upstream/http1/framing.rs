//! Where an answer's body ends, and whether its connection goes on after it (RFC 9112, 6.3 and 9.3). Decides by the head alone.
//!
//! Stricter than the RFC where it lets a recipient choose: two lengths, a length beside a coding, and codings that nobody asked for are refused.

use http::StatusCode;

use super::FRAMING;
use super::body::Decoder;
use super::chunked::Chunked;
use crate::upstream::UpstreamError;

/// What the fields of one head say of its framing.
#[derive(Debug, Default)]
pub(super) struct Framing {
    length: Option<u64>,
    chunked: bool,
    close: bool,
}

impl Framing {
    /// Takes one field in.
    pub(super) fn note(&mut self, name: &str, value: &[u8]) -> Result<(), UpstreamError> {
        if name.eq_ignore_ascii_case("content-length") {
            for text in value.split(|byte| *byte == b',') {
                let length = digits(text.trim_ascii()).ok_or(FRAMING)?;
                if self.length.replace(length).is_some_and(|before| before != length) {
                    return Err(FRAMING);
                }
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if std::mem::replace(&mut self.chunked, true) || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(FRAMING);
            }
        } else if name.eq_ignore_ascii_case("connection") {
            let mut options = value.split(|byte| *byte == b',');
            self.close |= options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        }
        Ok(())
    }

    /// The body that follows, and whether the connection may go on after it. `old`: the answer is of HTTP/1.0; `bodiless`: HEAD was asked.
    pub(super) fn settle(
        &self,
        status: StatusCode,
        old: bool,
        bodiless: bool,
    ) -> Result<(Decoder, bool), UpstreamError> {
        if self.chunked && (old || self.length.is_some()) {
            return Err(FRAMING);
        }
        let empty = bodiless || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
        let body = match self.length {
            _ if empty => Decoder::Length(0),
            Some(length) => Decoder::Length(length),
            None if self.chunked => Decoder::Chunked(Chunked::new()),
            None => Decoder::UntilClose(false),
        };
        let goes_on = !old && !self.close && !matches!(body, Decoder::UntilClose(_));
        Ok((body, goes_on))
    }
}

/// A number of nothing but digits: no sign, no space, no overflow.
fn digits(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |number: u64, byte| number.checked_mul(10)?.checked_add(digit(byte)?);
    if text.is_empty() { None } else { text.iter().try_fold(0, add) }
}
