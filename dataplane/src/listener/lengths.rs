//! Finds the `Content-Length` lines among a connection's bytes: hyper drops one that stands beside `Transfer-Encoding`, and then nobody could
//! tell that it was there.
//!
//! No second reader of HTTP: it knows lines, not heads and bodies. A line of a body counts too, and JSON has none that begins like this.

use memchr::memchr;

const FIELD: &[u8] = b"content-length:";

/// Where in a line the bytes so far end.
#[derive(Debug)]
pub(super) struct Lines {
    /// How much of the field the line has; `None` once it is another line, or was counted.
    matched: Option<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { matched: Some(0) }
    }
}

impl Lines {
    /// How many lines with a length begin in these bytes, which follow those of before.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> u32 {
        let mut found = 0;
        while let Some((first, rest)) = bytes.split_first() {
            match self.matched {
                Some(matched) if first.eq_ignore_ascii_case(&FIELD[matched]) => {
                    let whole = matched + 1 == FIELD.len();
                    found += u32::from(whole);
                    self.matched = (!whole).then_some(matched + 1);
                    bytes = rest;
                }
                _ => {
                    let end = memchr(b'\n', bytes);
                    self.matched = end.map(|_| 0);
                    bytes = end.map_or(&[], |end| &bytes[end + 1..]);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
