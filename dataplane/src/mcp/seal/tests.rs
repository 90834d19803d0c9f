use super::*;

const A: Binding<'_> = Binding { route: "Route/x/a", tenant: "x", principal: b"alice" };

fn ring(keys: &[(&str, u8, &str)]) -> Ring {
    let key = |(id, byte, state): &(&str, u8, &str)| {
        let key = base64::engine::general_purpose::STANDARD.encode([*byte; 32]);
        format!(r#"{{"id":"{id}","key":"{key}","state":"{state}"}}"#)
    };
    let keys: Vec<_> = keys.iter().map(key).collect();
    Ring::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

#[test]
fn what_was_sealed_opens_again_and_is_visible_ascii() {
    let ring = Ring::generate();
    for plain in [&b""[..], b"x", &[0; 5000]] {
        let text = seal(&ring, Context::Session, &A, plain);
        assert!(text.starts_with("v1.") && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        assert_eq!(open(&ring, Context::Session, &A, &text).unwrap(), plain);
        assert_ne!(seal(&ring, Context::Session, &A, plain), text, "nonces differ");
    }
}

#[test]
fn any_pod_with_the_key_opens_what_another_sealed() {
    let text = seal(&ring(&[("k1", 1, "current")]), Context::Session, &A, b"plain");
    assert_eq!(open(&ring(&[("k1", 1, "current")]), Context::Session, &A, &text).unwrap(), b"plain");
}

#[test]
fn nothing_opens_elsewhere_than_where_it_was_sealed() {
    let ring = Ring::generate();
    let bindings = [
        A,
        Binding { route: "Route/x/b", ..A },
        Binding { tenant: "y", ..A },
        Binding { principal: b"bob", ..A },
        Binding { principal: b"", ..A },
        // The same bytes in a row, cut elsewhere.
        Binding { route: "Route/x/ax", tenant: "", ..A },
        Binding { tenant: "xa", principal: b"lice", ..A },
    ];
    for (i, sealed) in bindings.iter().enumerate() {
        for context in Context::ALL {
            let text = seal(&ring, context, sealed, b"plain");
            for (j, opened) in bindings.iter().enumerate() {
                for other in Context::ALL {
                    let expected =
                        if i == j && context == other { Ok(b"plain".to_vec()) } else { Err(Unsealed::Forged) };
                    assert_eq!(
                        open(&ring, other, opened, &text),
                        expected,
                        "{sealed:?} {context:?} {opened:?} {other:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_byte_of_a_sealed_text_can_be_changed() {
    let ring = Ring::generate();
    let text = seal(&ring, Context::Session, &A, b"plain text of some length");
    for at in 0..text.len() {
        for flip in [1_u8, 2, 4, 8, 16, 32] {
            let mut forged = text.clone().into_bytes();
            forged[at] ^= flip;
            let Ok(forged) = String::from_utf8(forged) else { continue };
            assert!(open(&ring, Context::Session, &A, &forged).is_err(), "{forged}");
        }
        assert!(open(&ring, Context::Session, &A, &text[..at]).is_err());
        assert!(open(&ring, Context::Session, &A, &text[at + 1..]).is_err());
    }
    for appended in ["A", "=", "==", ".", " ", "\n", "\0"] {
        assert!(open(&ring, Context::Session, &A, &format!("{text}{appended}")).is_err());
    }
}

#[test]
fn sealed_bytes_open_again_where_they_were_sealed_and_no_bit_can_change() {
    let ring = Ring::generate();
    let file = Binding { route: "", tenant: "default", principal: b"" };
    // A full stop among the bytes is none of ours.
    let sealed = seal_bytes(&ring, Context::LastGood, &file, b"v1.plain.");
    assert_eq!(open_bytes(&ring, Context::LastGood, &file, &sealed).unwrap(), b"v1.plain.");
    assert_eq!(open_bytes(&ring, Context::KeySets, &file, &sealed), Err(Unsealed::Forged));
    assert_eq!(open_bytes(&Ring::generate(), Context::LastGood, &file, &sealed), Err(Unsealed::UnknownKey));
    let other = Binding { tenant: "other", ..file };
    assert_eq!(open_bytes(&ring, Context::LastGood, &other, &sealed), Err(Unsealed::Forged));
    for at in 0..sealed.len() {
        let mut forged = sealed.clone();
        forged[at] ^= 1;
        assert!(open_bytes(&ring, Context::LastGood, &file, &forged).is_err(), "byte {at}");
        assert!(open_bytes(&ring, Context::LastGood, &file, &sealed[..at]).is_err(), "{at} bytes");
    }
}

#[test]
fn what_clients_make_up_is_not_sealed() {
    let ring = Ring::generate();
    let id = ring.key_ids().next().unwrap().to_owned();
    let endless = format!("v1.{id}.{}", "A".repeat(MAX_TEXT));
    for text in [
        "",
        "v1",
        "v1.",
        "v1..",
        "v2.k.AAAA",
        "550e8400-e29b-41d4-a716-446655440000",
        "....",
        "v1.k1.é",
        endless.as_str(),
    ] {
        assert!(open(&ring, Context::Session, &A, text).is_err(), "{text}");
    }
    assert_eq!(open(&ring, Context::Session, &A, &format!("v1.{id}.AAAA")), Err(Unsealed::Malformed));
    let zeros = URL_SAFE_NO_PAD.encode([0; 60]);
    assert_eq!(open(&ring, Context::Session, &A, &format!("v1.{id}.{zeros}")), Err(Unsealed::Forged));
    assert_eq!(open(&ring, Context::Session, &A, &format!("v1.other.{zeros}")), Err(Unsealed::UnknownKey));
}

#[test]
fn a_rotated_key_opens_until_it_leaves_the_ring() {
    let text = seal(&ring(&[("k1", 1, "current"), ("k2", 2, "next")]), Context::Session, &A, b"p");
    assert!(text.starts_with("v1.k1."), "the next key does not seal yet");
    let rotated = ring(&[("k1", 1, "previous"), ("k2", 2, "current")]);
    assert!(open(&rotated, Context::Session, &A, &text).is_ok());
    assert!(seal(&rotated, Context::Session, &A, b"p").starts_with("v1.k2."));
    assert_eq!(open(&ring(&[("k2", 2, "current")]), Context::Session, &A, &text), Err(Unsealed::UnknownKey));
    assert_eq!(
        open(&ring(&[("k1", 9, "current")]), Context::Session, &A, &text),
        Err(Unsealed::Forged),
        "another key of that name"
    );
}

#[test]
fn a_key_file_that_is_not_one_is_refused() {
    let good = base64::engine::general_purpose::STANDARD.encode([1; 32]);
    let short = base64::engine::general_purpose::STANDARD.encode([1; 31]);
    let entry = |id: &str, key: &str, state: &str| format!(r#"{{"id":"{id}","key":"{key}","state":"{state}"}}"#);
    let many: Vec<_> =
        (0..20).map(|n| entry(&n.to_string(), &good, if n == 0 { "current" } else { "previous" })).collect();
    for keys in [
        String::new(),
        entry("a", &good, "next"),
        entry("a", &good, "retired"),
        entry("a", &short, "current"),
        entry("a", "!", "current"),
        entry("", &good, "current"),
        entry("a.b", &good, "current"),
        format!("{},{}", entry("a", &good, "current"), entry("b", &good, "current")),
        format!("{},{}", entry("a", &good, "current"), entry("a", &good, "next")),
        many.join(","),
    ] {
        let error = Ring::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap_err();
        assert!(!error.to_string().contains(&good[..8]), "{error}");
    }
    assert!(Ring::parse(b"").is_err());
}

#[test]
fn debug_output_shows_ids_and_no_keys() {
    let shown = format!("{:?}", ring(&[("k1", 1, "current"), ("k2", 2, "next")]));
    assert_eq!(shown, r#"["k1", "k2"]"#);
}

#[test]
fn a_new_key_file_is_a_key_file_with_a_key_of_its_own() {
    let (one, two) = (Ring::new_key_file(), Ring::new_key_file());
    assert_ne!(one, two);
    let text = seal(&Ring::parse(one.as_bytes()).unwrap(), Context::Cursor, &A, b"p");
    assert!(open(&Ring::parse(one.as_bytes()).unwrap(), Context::Cursor, &A, &text).is_ok());
    assert!(open(&Ring::parse(two.as_bytes()).unwrap(), Context::Cursor, &A, &text).is_err());
}
