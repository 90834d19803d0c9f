use serde_json::{Value, json};

use super::*;
use crate::mcp::{scan, scan_response};

const LEGACY: Revision = Revision::R20251125;
const MODERN: Revision = Revision::R20260728;

const OURS: Outbound<'_> =
    Outbound { id: b"\"u1\"", name: None, progress_token: None, traceparent: None, client_info: None };

fn sent(body: &'static str, client: Revision, upstream: Revision, outbound: &Outbound<'_>) -> String {
    let body = Bytes::from_static(body.as_bytes());
    let edited = request(&body, &scan(&body).unwrap(), Crossing { client, upstream }, outbound);
    scan(&edited).unwrap();
    String::from_utf8(edited.to_vec()).unwrap()
}

fn answered(body: &'static str, client: Revision, upstream: Revision) -> String {
    let body = Bytes::from_static(body.as_bytes());
    let edited = response(&body, &scan_response(&body).unwrap(), Crossing { client, upstream }, b"7");
    scan_response(&edited).unwrap();
    String::from_utf8(edited.to_vec()).unwrap()
}

#[test]
fn within_a_legacy_revision_only_the_id_and_the_name_change() {
    let body = r#"{ "jsonrpc":"2.0", "id" : 5,"method":"tools/call","params":{"arguments":{"n":1.50, "n":12345678901234567890123},"name":"gh_x"}}"#;
    let expected = body.replace(": 5", ": \"u1\"").replace("gh_x", "x\\\"y");
    assert_eq!(sent(body, LEGACY, Revision::R20250326, &Outbound { name: Some("x\"y"), ..OURS }), expected);
}

#[test]
fn a_progress_token_is_replaced_by_ours_or_left_out() {
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"a","params":{"_meta":{"progressToken":"theirs","k":1}}}"#;
    let ours = Outbound { progress_token: Some(b"9"), ..OURS };
    assert!(sent(body, LEGACY, LEGACY, &ours).contains(r#""_meta":{"progressToken":9,"k":1}"#));
    assert!(sent(body, LEGACY, LEGACY, &OURS).contains(r#""_meta":{"k":1}"#));
    let without = r#"{"jsonrpc":"2.0","id":5,"method":"a","params":{"x":1}}"#;
    assert!(sent(without, LEGACY, LEGACY, &ours).contains(r#""params":{"_meta":{"progressToken":9},"x":1}"#));
}

#[test]
fn the_trace_goes_on_through_us() {
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"a","params":{"_meta":{"traceparent":"00-old","tracestate":"x"}}}"#;
    let ours = Outbound { traceparent: Some("00-new"), ..OURS };
    assert!(sent(body, LEGACY, LEGACY, &ours).contains(r#"{"traceparent":"00-new","tracestate":"x"}"#));
    assert!(sent(body, LEGACY, LEGACY, &OURS).contains("00-old"));
}

#[test]
fn a_legacy_request_gains_metadata_for_a_modern_upstream() {
    let client_info = Outbound { client_info: Some(br#"{"name":"agent"}"#), ..OURS };
    let expected = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "agent"},
    });
    for body in [
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{ "_meta" : { } }}"#,
    ] {
        let edited: Value = serde_json::from_str(&sent(body, LEGACY, MODERN, &client_info)).unwrap();
        assert_eq!(
            edited,
            json!({"jsonrpc": "2.0", "id": "u1", "method": "tools/list", "params": {"_meta": expected}})
        );
    }
}

#[test]
fn a_modern_request_loses_its_metadata_for_a_legacy_upstream() {
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{"sampling":{}}, "own.key/x":1,"io.modelcontextprotocol/logLevel":"info",
        "io.modelcontextprotocol/clientInfo":{"name":"a"}},"name":"n","arguments":{"_meta":{"io.modelcontextprotocol/clientInfo":1}}}}"#;
    let edited: Value = serde_json::from_str(&sent(body, MODERN, LEGACY, &OURS)).unwrap();
    assert_eq!(edited["params"]["_meta"], json!({"own.key/x": 1}));
    assert_eq!(edited["params"]["arguments"], json!({"_meta": {"io.modelcontextprotocol/clientInfo": 1}}));
}

#[test]
fn capabilities_of_the_client_are_never_declared_upstream() {
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"a","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"agent"},"progressToken":1}}}"#;
    let edited = sent(body, MODERN, MODERN, &OURS);
    let edited: Value = serde_json::from_str(&edited).unwrap();
    let expected = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "agent"},
    });
    assert_eq!(edited["params"]["_meta"], expected);
}

#[test]
fn a_legacy_answer_becomes_complete_for_a_modern_client_and_names_us() {
    for (body, rest) in [
        (r#"{"jsonrpc":"2.0","id":"u1","result":{}}"#, json!({})),
        (r#"{"jsonrpc":"2.0","id":"u1","result":{"content":[],"_meta":{"k":1}}}"#, json!({"content": [], "k": 1})),
        (r#"{"jsonrpc":"2.0","id":"u1","result":{"_meta":{}}}"#, json!({})),
    ] {
        let edited: Value = serde_json::from_str(&answered(body, MODERN, LEGACY)).unwrap();
        let result = &edited["result"];
        assert_eq!(edited["id"], 7);
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portolan");
        assert_eq!(result["content"], rest["content"]);
        assert_eq!(result["_meta"]["k"], rest["k"]);
    }
}

#[test]
fn a_modern_answer_loses_for_a_legacy_client_what_that_client_does_not_know() {
    let body = r#"{"jsonrpc":"2.0","id":"u1","result":{"resultType":"complete","ttlMs":5,"content":[ 1.50 ],"cacheScope":"public",
        "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"x"}}}}"#;
    let edited = answered(body, LEGACY, MODERN);
    assert!(edited.contains("[ 1.50 ]"));
    let edited: Value = serde_json::from_str(&edited).unwrap();
    assert_eq!(edited, json!({"jsonrpc": "2.0", "id": 7, "result": {"content": [1.50], "_meta": {}}}));
}

#[test]
fn a_modern_answer_to_a_modern_client_names_us_and_is_otherwise_unchanged() {
    let body = r#"{"jsonrpc":"2.0","id":"u1","result":{"resultType":"task","x":1.0,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"x"}}}}"#;
    let ours = String::from_utf8_lossy(server_info());
    let expected = body.replace("\"u1\"", "7").replace(r#"{"name":"x"}"#, &ours);
    assert_eq!(answered(body, MODERN, MODERN), expected);
}

#[test]
fn structured_content_that_is_no_object_is_for_modern_clients_only() {
    let body = r#"{"jsonrpc":"2.0","id":"u1","result":{"content":[],"structuredContent":[1]}}"#;
    assert!(!answered(body, LEGACY, MODERN).contains("structuredContent"));
    assert!(answered(body, MODERN, MODERN).contains(r#""structuredContent":[1]"#));
    let object = r#"{"jsonrpc":"2.0","id":"u1","result":{"structuredContent":{"a":1}}}"#;
    assert!(answered(object, LEGACY, LEGACY).contains(r#""structuredContent":{"a":1}"#));
}

#[test]
fn an_error_keeps_its_words_and_gets_the_agents_id_even_without_one() {
    let error = r#"{"code":-32000,"message":"m","data":{"a":1.0}}"#;
    let expected = format!(r#"{{"jsonrpc":"2.0","id":7,"error":{error}}}"#);
    assert_eq!(
        answered(
            r#"{"jsonrpc":"2.0","id":"u1","error":{"code":-32000,"message":"m","data":{"a":1.0}}}"#,
            MODERN,
            LEGACY
        ),
        expected
    );
    assert_eq!(
        answered(
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"m","data":{"a":1.0}}}"#,
            LEGACY,
            LEGACY
        ),
        expected
    );
}

#[test]
fn progress_and_cancellation_change_their_token_only() {
    let body = Bytes::from_static(
        br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":2}}"#,
    );
    let edited = progress(&body, &scan_response(&body).unwrap(), b"\"theirs\"");
    assert_eq!(
        edited,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"theirs","progress":2}}"#
    );
    let body = Bytes::from_static(
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"r"}}"#,
    );
    let edited = cancellation(&body, &scan(&body).unwrap(), b"\"u1\"");
    assert_eq!(
        edited,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"u1","reason":"r"}}"#
    );
}

#[test]
fn state_that_a_server_gave_the_agent_comes_back_to_it_byte_for_byte() {
    let rest = r#""requestState":"v1\u002e\/AbC==","inputResponses":{"k":{"action":"accept","content":{"n":1.50}}}"#;
    let body: &'static str = format!(
        r#"{{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{"name":"gh_x",{rest},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
    .leak();
    assert!(sent(body, MODERN, MODERN, &Outbound { name: Some("x"), ..OURS }).contains(rest));
}
