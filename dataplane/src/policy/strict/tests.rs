use serde_json::json;

use super::{VALUES, parse, parse_members};

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

#[test]
fn only_the_wanted_members_are_read_and_must_be_there_once() {
    let only = ["a".to_owned(), "b".to_owned()].into();
    let read = |text: &str| parse_members(text.as_bytes(), &only);
    assert_eq!(read(r#"{"x":[1,{"a":2}],"a":{"x":1},"x":3}"#), Some(json!({"a": {"x": 1}})));
    assert_eq!(read(r#"{"a":1,"x":2,"\u0061":3}"#), None);
    assert_eq!(read(r#"{"x":}"#), None);
}

#[test]
fn what_is_built_is_bounded_and_what_is_passed_over_is_free() {
    let many = format!("[{}]", vec!["1"; VALUES as usize].join(","));
    assert_eq!(parse(many.as_bytes()), None);
    let beside = format!(r#"{{"bulk":{many},"a":1}}"#);
    assert_eq!(parse_members(beside.as_bytes(), &["a".to_owned()].into()), Some(json!({"a": 1})));
}
