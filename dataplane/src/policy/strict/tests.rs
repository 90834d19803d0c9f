use serde_json::json;

use super::parse;

#[test]
fn a_repeated_key_is_refused_at_any_depth() {
    for text in [r#"{"a":1,"a":1}"#, r#"{"a":[{"b":1,"b":2}]}"#, r#"{"a":1,"\u0061":2}"#] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn everything_else_reads_as_it_is_written() {
    let value = json!({"a": [1, -2, 0.5, true, null, "x\n"], "b": {}, "c": u64::MAX});
    assert_eq!(parse(value.to_string().as_bytes()), Some(value));
}

#[test]
fn what_is_no_document_is_refused() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for text in ["", "{", "{} {}", "1e400", "{\"a\":}", deep.as_str()] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}
