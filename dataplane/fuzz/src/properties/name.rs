//! Exposed names, and the patterns that choose tools.

use portolan_config::exposure::{LONGEST_NAME, exposed_name, glob};
use portolan_config::{Kind, Name};

/// Two lines: a prefix and a name, or a pattern and a text. What agents see is a name that every client takes, and the same every time; a
/// pattern matches what the plain definition says.
pub fn name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (prefix, own) = text.split_once('\n').unwrap_or(("", text));
    let exposed = exposed_name(prefix, own);
    if prefix.is_empty() {
        assert_eq!(exposed, own);
    } else {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert!(exposed.len() <= LONGEST_NAME && exposed.bytes().all(plain), "{exposed:?}");
        let whole = format!("{prefix}_{own}");
        if whole.bytes().all(plain) && whole.len() <= LONGEST_NAME {
            assert_eq!(exposed, whole);
        }
        // Names that are too long stay apart.
        if whole.chars().count() > LONGEST_NAME {
            assert_ne!(exposed_name(prefix, &format!("{own}x")), exposed);
        }
    }
    // The plain definition takes the product of both lengths.
    if prefix.len() * own.len() <= 1 << 16 {
        assert_eq!(glob(prefix, own), matches(prefix.as_bytes(), own.as_bytes()), "{prefix:?} {own:?}");
    }
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.to_string(), text);
        assert!(Kind::ALL.contains(&name.kind()));
    }
}

/// `*` stands for any run of characters: by a table of which prefixes match.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for &letter in pattern {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match letter {
                b'*' => row[end] || end > 0 && next[end - 1],
                _ => end > 0 && row[end - 1] && text[end - 1] == letter,
            };
        }
        row = next;
    }
    row[text.len()]
}
