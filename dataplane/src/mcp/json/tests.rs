use proptest::prelude::*;
use serde_json::Value as Tree;
use serde_json::value::RawValue;

use super::*;

fn accepts(text: &[u8]) -> bool {
    Reader::strict(text).is_ok_and(|mut reader| reader.value().and_then(|_| reader.end()).is_ok())
}

/// What serde_json says: the grammar by its skipping parser, lone surrogates by the one that builds. `None` where a number is too large to build.
fn oracle(text: &[u8]) -> Option<bool> {
    if serde_json::from_slice::<&RawValue>(text).is_err() {
        return Some(false);
    }
    match serde_json::from_slice::<Tree>(text) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().contains("number out of range") => None,
        Err(_) => Some(false),
    }
}

/// JSON texts with white space and spellings that no serialiser would choose.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([ -!#-\\[\\]-~é𝄞]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-fA-F]{2}|\\\\ud83d\\\\ude00){0,40}\"",
    ];
    let space = "[ \t\r\n]{0,2}";
    (scalar, space).prop_map(|(text, space)| format!("{space}{text}{space}")).prop_recursive(5, 40, 5, |inner| {
        let member =
            ("\"[a-z\\\\u0041]{0,0}[a-z]{0,4}\"", inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..5).prop_map(|items| format!("{{ {} }}", items.join(", "))),
        ]
    })
}

#[derive(Debug, Clone)]
enum Mutation {
    Delete,
    Insert(u8),
    Set(u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b'\\'),
        Just(b'u'),
        Just(b'd'),
        Just(b'8'),
        Just(b'{'),
        Just(b'}'),
        Just(b'['),
        Just(b']'),
        Just(b','),
        Just(b':'),
        Just(b'-'),
        Just(b'.'),
        Just(b'e'),
        Just(b'0'),
        any::<u8>(),
    ];
    prop_oneof![Just(Mutation::Delete), byte.clone().prop_map(Mutation::Insert), byte.prop_map(Mutation::Set),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_serde_accepts_is_accepted(text in json()) {
        prop_assert!(accepts(text.as_bytes()), "{}", text);
        prop_assert_eq!(oracle(text.as_bytes()), Some(true));
    }

    #[test]
    fn a_mutated_text_is_accepted_exactly_when_serde_accepts_it(
        text in json(), mutations in proptest::collection::vec((any::<prop::sample::Index>(), mutation()), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (place, mutation) in mutations {
            let at = place.index(bytes.len() + 1);
            match mutation {
                Mutation::Insert(byte) => bytes.insert(at, byte),
                Mutation::Set(byte) if at < bytes.len() => bytes[at] = byte,
                Mutation::Delete if at < bytes.len() => { bytes.remove(at); }
                _ => {}
            }
        }
        if let Some(expected) = oracle(&bytes) {
            prop_assert_eq!(accepts(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_string_decodes_as_serde_decodes_it(text in "\"([ -!#-\\[\\]-~é𝄞]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-c][0-9a-fA-F]{3}|\\\\ud83d\\\\ude00){0,60}\"") {
        let value = Reader::strict(text.as_bytes()).unwrap().value().unwrap();
        let expected: String = serde_json::from_str(&text).unwrap();
        let found = value.text().unwrap();
        prop_assert_eq!(found.decode(text.as_bytes()), expected.as_str());
        prop_assert!(found.is(text.as_bytes(), &expected));
    }

    #[test]
    fn what_is_written_reads_back(text in any::<String>()) {
        prop_assert_eq!(serde_json::from_slice::<String>(&string(&text)).unwrap(), text);
    }
}

#[test]
fn grammar_that_lenient_parsers_allow_is_refused() {
    let lenient = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "\"\u{0}\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{\"a\":1",
        "}",
        "[1}",
        "{\"a\":1]",
        "// c\n1",
        "/**/1",
        "1 2",
        "\u{feff}1",
        "1\u{a0}",
        "1\u{c}",
        "[\"a\":1]",
        "{\"a\",1}",
    ];
    for text in lenient {
        assert!(!accepts(text.as_bytes()), "{text}");
        assert_eq!(oracle(text.as_bytes()), Some(false), "{text}");
    }
}

#[test]
fn control_characters_are_found_wherever_they_hide_in_a_long_string() {
    for length in 0..80 {
        for control in [0, 9, 10, 0x1f] {
            let mut text = vec![b'a'; length + 1];
            text[length] = control;
            let text = [b"\"", text.as_slice(), b"aaaa\""].concat();
            assert!(!accepts(&text), "{length} {control}");
        }
    }
}

#[test]
fn answers_may_hold_lone_surrogates_and_requests_may_not() {
    for lone in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\ud83d""#, r#""\ud83dx""#, r#""\ude00\ud83d""#] {
        assert!(!accepts(lone.as_bytes()), "{lone}");
        assert!(Reader::tolerant(lone.as_bytes()).unwrap().value().is_ok(), "{lone}");
    }
    let text = br#""a\ud83d\u0062""#;
    let value = Reader::tolerant(text).unwrap().value().unwrap();
    assert_eq!(value.text().unwrap().decode(text), "a\u{fffd}b");
}

#[test]
fn depth_is_counted_over_all_levels_however_they_are_read() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(accepts(nested(64).as_bytes()));
    assert!(!accepts(nested(65).as_bytes()));
    let answer = |depth| Reader::tolerant(nested(depth).as_bytes()).unwrap().value().is_ok();
    assert!(answer(128));
    assert!(!answer(129));
}
