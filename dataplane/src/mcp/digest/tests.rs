use super::*;

fn same(a: &str, b: &str) -> bool {
    digest(a.as_bytes()).unwrap() == digest(b.as_bytes()).unwrap()
}

#[test]
fn the_digest_is_the_hash_of_the_canonical_text() {
    let canonical = br#"{"a":[1.50,{"b":null,"c":"\u0061"}],"z":true}"#;
    let expected = format!("sha256:{}", hex::encode(Sha256::digest(canonical)));
    assert_eq!(digest(br#" { "z" :true, "a": [ 1.50 , {"c":"\u0061" ,"b": null } ] } "#).unwrap(), expected);
    assert_eq!(digest(canonical).unwrap(), expected);
}

#[test]
fn order_of_keys_and_white_space_do_not_count() {
    assert!(same(r#"{"a":1,"b":{"c":2,"d":3}}"#, "{\n \"b\": {\"d\":3, \"c\":2},\t\"a\":1}"));
}

#[test]
fn everything_else_counts() {
    for (a, b) in [
        (r#"{"a":1}"#, r#"{"a":1.0}"#),
        (r#"{"a":12345678901234567890123}"#, r#"{"a":12345678901234567890124}"#),
        (r#"{"a":"b"}"#, r#"{"a":"\u0062"}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
        (r#"{"a":1}"#, r#"{"A":1}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
        (r#"{"a":1,"a":1}"#, r#"{"a":1}"#),
        (r#"{"a":null}"#, "{}"),
        (r#""a b""#, r#""ab""#),
    ] {
        assert!(!same(a, b), "{a} {b}");
    }
}

#[test]
fn what_is_not_json_has_no_digest() {
    for text in ["", "{", "{}{}", "nul", "\u{feff}{}"] {
        assert_eq!(digest(text.as_bytes()), Err(NotJson));
    }
    assert_eq!(digest(&[b'['; 100_000]), Err(NotJson));
}
