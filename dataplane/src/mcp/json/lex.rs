//! Strings, numbers and words: what has no parts.

use memchr::memchr2;

use super::{Kind, Reader, Result, Value};
use crate::mcp::span::{Span, Text};

impl Reader<'_> {
    pub(super) fn scalar(&mut self) -> Result<Value> {
        let start = self.at;
        let kind = match self.body.get(start) {
            Some(b'"') => Kind::String { escaped: self.string()?.escaped },
            Some(b'-' | b'0'..=b'9') => Kind::Number { integer: self.number()? },
            Some(b't') => self.literal("true", Kind::True)?,
            Some(b'f') => self.literal("false", Kind::False)?,
            Some(b'n') => self.literal("null", Kind::Null)?,
            _ => return self.fail("a value was expected"),
        };
        Ok(Value { kind, span: Span::new(start, self.at) })
    }

    fn literal(&mut self, word: &str, kind: Kind) -> Result<Kind> {
        if !self.body[self.at..].starts_with(word.as_bytes()) {
            return self.fail("a value was expected");
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Result<bool> {
        if self.body.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.body.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut integer = true;
        if self.body.get(self.at) == Some(&b'.') {
            integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.body.get(self.at) {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.body.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(integer)
    }

    fn digits(&mut self) -> Result<()> {
        let run = self.body[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if run == 0 {
            return self.fail("a digit was expected");
        }
        self.at += run;
        Ok(())
    }

    pub(super) fn string(&mut self) -> Result<Text> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += plain(&self.body[self.at..]);
            match self.body.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail("a control character in a string"),
                None => return self.fail("a string without an end"),
            }
        }
        self.at += 1;
        Ok(Text { span: Span::new(start, self.at), escaped })
    }

    fn escape(&mut self) -> Result<()> {
        match self.body.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unit()?;
                if self.lone_surrogates || !(0xD800..0xE000).contains(&unit) {
                    return Ok(());
                }
                let pair = unit < 0xDC00 && self.body[self.at..].starts_with(b"\\u");
                if !pair || !(0xDC00..0xE000).contains(&self.unit()?) {
                    return self.fail("half a surrogate pair");
                }
            }
            _ => return self.fail("an unknown escape"),
        }
        Ok(())
    }

    /// The four hexadecimal digits after `\u`.
    fn unit(&mut self) -> Result<u32> {
        let Some(digits) = self.body.get(self.at + 2..self.at + 6) else { return self.fail("an unknown escape") };
        let mut unit = 0;
        for digit in digits {
            let Some(value) = char::from(*digit).to_digit(16) else { return self.fail("an unknown escape") };
            unit = (unit << 4) | value;
        }
        self.at += 6;
        Ok(unit)
    }
}

/// How many bytes come before the first quote, backslash or control character. Keys and most values end within the first bytes, which are looked
/// at eight at a time; long text is left to memchr.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const SHORT: usize = 64;
    let head = &bytes[..bytes.len().min(SHORT)];
    let (words, rest) = head.as_chunks();
    for (index, word) in words.iter().enumerate() {
        if let Some(found) = first_special(*word) {
            return index * 8 + found;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    if let Some(found) = rest.iter().position(special) {
        return words.len() * 8 + found;
    }
    let tail = &bytes[head.len()..];
    let run = &tail[..memchr2(b'"', b'\\', tail).unwrap_or(tail.len())];
    // Without a branch per byte the compiler can look at many bytes at once; a control character is the rare case.
    let control = run.iter().fold(false, |found, byte| found | (*byte < 0x20));
    let clean = if control { run.iter().position(special).unwrap_or(run.len()) } else { run.len() };
    head.len() + clean
}

/// The same of eight bytes, without a branch: a byte that is smaller than what is taken from it borrows, and has its highest bit set then.
/// Borrowing may also mark bytes after the first one that is meant, never one before it.
fn first_special(word: [u8; 8]) -> Option<usize> {
    const EACH: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(word);
    let below = |word: u64, bound: u8| word.wrapping_sub(EACH * u64::from(bound)) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    let special = (below(word, 0x20) | is(b'"') | is(b'\\')) & (EACH << 7);
    (special != 0).then(|| (special.trailing_zeros() / 8) as usize)
}
