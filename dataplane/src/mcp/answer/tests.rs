use super::*;

#[test]
fn the_members_that_we_own_are_found_in_a_result() {
    let body = br#"{"jsonrpc":"2.0","id":"g1","result":{"content":[{"type":"text","text":"\ud800"}],"structuredContent":null,"isError":true,
        "resultType":"complete","ttlMs":0,"cacheScope":"public","new":1,"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"x"}}}}"#;
    let envelope = scan_response(body).unwrap();
    let result = envelope.result.unwrap();
    assert_eq!((envelope.shape, envelope.id.unwrap().of(body)), (Shape::Response, &b"\"g1\""[..]));
    assert_eq!(result.is_error, Some(true));
    assert!(result.is_complete(body) && !result.is_input_required(body));
    let (content, object) = result.structured_content.unwrap();
    assert_eq!((content.value.of(body), object), (&b"null"[..], false));
    assert_eq!(result.ttl_ms.unwrap().value.of(body), b"0");
    assert_eq!(result.cache_scope.unwrap().value.of(body), b"\"public\"");
    assert_eq!(result.server_info.unwrap().value.of(body), br#"{"name":"x"}"#);
    assert_eq!(result.meta.unwrap().key.of(body), b"\"_meta\"");
}

#[test]
fn a_result_without_a_type_is_complete() {
    let kind = |result: &str| {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{{result}}}}}"#);
        let parts = scan_response(body.as_bytes()).unwrap().result.unwrap();
        (parts.is_complete(body.as_bytes()), parts.is_input_required(body.as_bytes()))
    };
    assert_eq!(kind(""), (true, false));
    assert_eq!(kind(r#""resultType":"input_required""#), (false, true));
    assert_eq!(kind(r#""resultType":"task""#), (false, false));
}

#[test]
fn errors_notifications_and_requests_of_a_server_are_told_apart() {
    let body = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no","data":[1]}}"#;
    let error = scan_response(body).unwrap().error.unwrap();
    assert_eq!((error.code, error.message.unwrap().decode(body).as_ref()), (Some(-32000), "no"));
    assert_eq!(error.data.unwrap().of(body), b"[1]");
    let body = br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":0.5}}"#;
    let progress = scan_response(body).unwrap();
    assert_eq!((progress.shape, progress.progress_token.unwrap().of(body)), (Shape::Notification, &b"7"[..]));
    let body = br#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}"#;
    assert_eq!(scan_response(body).unwrap().shape, Shape::Request);
}

#[test]
fn an_answer_that_could_be_read_in_two_ways_is_invalid() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"r\u0065sult":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","method":"a","method":"b"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","resultType":"task"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"_meta":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":1}}"#,
        r#"{"id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}} {}"#,
        r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
        "<html>",
        "",
        "null",
    ] {
        assert!(scan_response(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn what_we_do_not_read_may_be_anything() {
    let body = br#"{"jsonrpc":"2.0","id":1,"ID":2,"x":1,"x":2,"result":{"content":[],"content":[1e999],"Result":{}}}"#;
    scan_response(body).unwrap();
}
