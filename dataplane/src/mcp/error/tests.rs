use super::*;

#[test]
fn an_error_echoes_the_id_as_it_was_sent() {
    let rendered = render(Some(b"\"\\u0061\""), INVALID_PARAMS, "no \"such\" tool\n", Some(b"{\"x\":1}"));
    let expected =
        r#"{"jsonrpc":"2.0","id":"\u0061","error":{"code":-32602,"message":"no \"such\" tool\n","data":{"x":1}}}"#;
    assert_eq!(rendered, expected);
}

#[test]
fn an_error_without_a_known_id_says_null() {
    let rendered = render(None, PARSE_ERROR, "\u{1}", None);
    assert_eq!(rendered, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"\u0001"}}"#);
}
