//! The keys that we read, at each level, and the keys that only look like them.
//!
//! A parser upstream may be more lenient than ours: fold case (Go), fold Unicode, or stop at a NUL (C). A key that such a parser would take
//! for one that we read is refused, so that nobody can be judged by one value and served by another.

use crate::mcp::span::Text;

/// A level's keys, each with what it means there.
pub(super) type Table<F> = &'static [(&'static str, F)];

/// What a key is at its level.
pub(super) enum Key<F> {
    /// One that we read; the index is for noticing the second one.
    Reserved { index: u32, name: &'static str, field: F },
    /// It is not, but a lenient parser would say so.
    Lookalike(&'static str),
    /// Somebody else's.
    Other,
}

/// Looks a key up.
pub(super) fn lookup<F: Copy>(table: Table<F>, body: &[u8], key: Text) -> Key<F> {
    let is = key.matcher(body);
    for (index, (name, field)) in (0..).zip(table) {
        if is(name) {
            return Key::Reserved { index, name, field: *field };
        }
    }
    match table.iter().find(|(name, _)| resembles(body, key, name)) {
        Some((name, _)) => Key::Lookalike(name),
        None => Key::Other,
    }
}

fn resembles(body: &[u8], key: Text, name: &str) -> bool {
    let raw = key.raw(body);
    if !key.escaped && raw.is_ascii() {
        return raw.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    }
    // At the first NUL a C string ends.
    let trimmed = |c: &char| c.is_whitespace() || c.is_control() || *c == '\u{feff}';
    let mut folded = key.chars(body).skip_while(trimmed).take_while(|c| *c != '\0').map(fold);
    let same = name.chars().all(|expected| folded.next() == Some(expected.to_ascii_lowercase()));
    same && folded.all(|rest| trimmed(&rest))
}

/// Simple case folding where it ends in ASCII: besides the letters themselves only the long s and the Kelvin sign do.
fn fold(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}
