use super::*;

#[test]
fn definitions_are_cut_out_as_they_were_sent() {
    let result = Bytes::from_static(br#"{"tools":[{"name":"a", "n":1.50},{}],"nextCursor":"","ttlMs":0}"#);
    let listed = Listed::parse(&result).unwrap();
    assert_eq!(listed.tools, [&br#"{"name":"a", "n":1.50}"#[..], b"{}"]);
    assert_eq!(listed.next_cursor.as_deref(), Some(""));
}

#[test]
fn what_is_no_list_is_none() {
    for result in ["{}", r#"{"tools":{}}"#, r#"{"tools":[],"nextCursor":1}"#, "[]", ""] {
        assert_eq!(Listed::parse(&Bytes::from_static(result.as_bytes())), None, "{result}");
    }
}
