//! Places in a scanned body: byte ranges, strings and members of objects.
//!
//! They hold no bytes: whoever has the body can read them, and nobody can mistake them for text that was checked elsewhere.

use std::borrow::Cow;
use std::str::Chars;

/// A range of bytes of a scanned body, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        // The reader refuses bodies of 4 GiB and more.
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// The bytes of the range; empty if `body` is not the body that was scanned.
    #[must_use]
    pub fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.range()).unwrap_or_default()
    }

    /// The range, for slicing.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A JSON string in a scanned body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// The whole string, its quotes included.
    pub span: Span,
    /// Whether it holds escape sequences; without any, the bytes between the quotes are the text.
    pub escaped: bool,
}

impl Text {
    /// The bytes between the quotes, as sent.
    #[must_use]
    pub fn raw<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        let whole = self.span.of(body);
        whole.get(1..whole.len().saturating_sub(1)).unwrap_or_default()
    }

    /// The text. Borrowed unless it holds escape sequences.
    #[must_use]
    pub fn decode<'a>(&self, body: &'a [u8]) -> Cow<'a, str> {
        if self.escaped {
            return Cow::Owned(self.chars(body).collect());
        }
        // Its UTF-8 was checked with the body's.
        Cow::Borrowed(std::str::from_utf8(self.raw(body)).unwrap_or_default())
    }

    /// Whether the text is `expected`, however it is spelled.
    #[must_use]
    pub fn is(&self, body: &[u8], expected: &str) -> bool {
        if self.escaped { self.chars(body).eq(expected.chars()) } else { self.raw(body) == expected.as_bytes() }
    }

    /// [`Text::is`] for many candidates: the text is cut out of the body once.
    pub(crate) fn matcher(self, body: &[u8]) -> impl Fn(&str) -> bool {
        let raw = self.raw(body);
        move |expected| if self.escaped { self.is(body, expected) } else { raw == expected.as_bytes() }
    }

    pub(crate) fn chars<'a>(&self, body: &'a [u8]) -> Decoded<'a> {
        Decoded { rest: std::str::from_utf8(self.raw(body)).unwrap_or_default().chars() }
    }
}

/// A member of a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The key with its quotes.
    pub key: Span,
    /// The value.
    pub value: Span,
    /// From the key's first quote to the value's end.
    pub whole: Span,
}

impl Member {
    pub(crate) fn new(key: Text, value: Span) -> Self {
        Self { key: key.span, value, whole: Span { start: key.span.start, end: value.end } }
    }
}

/// The characters of a string whose grammar was checked; a lone surrogate reads as U+FFFD.
pub(crate) struct Decoded<'a> {
    rest: Chars<'a>,
}

impl Decoded<'_> {
    fn hex(rest: &mut Chars<'_>) -> u32 {
        rest.by_ref().take(4).fold(0, |unit, digit| (unit << 4) | digit.to_digit(16).unwrap_or(0))
    }

    fn unicode(&mut self) -> char {
        let high = Self::hex(&mut self.rest);
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('\\') && ahead.next() == Some('u') {
            let low = Self::hex(&mut ahead);
            if (0xDC00..0xE000).contains(&low) {
                self.rest = ahead;
                let point = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        char::REPLACEMENT_CHARACTER
    }
}

impl Iterator for Decoded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let first = self.rest.next()?;
        if first != '\\' {
            return Some(first);
        }
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode(),
            same => same,
        })
    }
}
