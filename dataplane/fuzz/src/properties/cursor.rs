//! Cursors.

use crate::mcp::cursor::Cursor;
use crate::mcp::seal::{self, Binding, Context, Ring};

const KEYS: &[u8] =
    br#"{"keys":[{"id":"fuzz","key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","state":"current"}]}"#;

/// No text opens that was not sealed, no sealed content makes opening panic, and what opens is what was sealed, for who it was sealed.
pub fn cursor(data: &[u8]) {
    let ring = Ring::parse(KEYS).expect("a valid key file");
    let binding = Binding { route: "Route/fuzz/fuzz", tenant: "fuzz", principal: b"fuzz" };
    let others = [
        Binding { route: "Route/fuzz/other", ..binding },
        Binding { tenant: "other", ..binding },
        Binding { principal: b"other", ..binding },
    ];
    if let Ok(text) = std::str::from_utf8(data) {
        let opened = Cursor::open(&ring, &binding, text);
        assert!(opened.is_err() || others.iter().all(|other| Cursor::open(&ring, other, text).is_err()));
    }
    let sealed = seal::seal(&ring, Context::Cursor, &binding, data);
    assert!(sealed.bytes().all(|byte| byte.is_ascii_graphic()));
    let elsewhere = seal::seal(&ring, Context::Session, &binding, data);
    assert!(Cursor::open(&ring, &binding, &elsewhere).is_err());
    match Cursor::open(&ring, &binding, &sealed) {
        Ok(cursor) => {
            assert_eq!([&cursor.offset.to_be_bytes()[..], &cursor.catalogue.to_be_bytes()[..]].concat(), data);
            assert_eq!(Cursor::open(&ring, &binding, &cursor.seal(&ring, &binding)), Ok(cursor));
            assert!(others.iter().all(|other| Cursor::open(&ring, other, &sealed).is_err()));
        }
        Err(_) => assert_ne!(data.len(), 12),
    }
}
