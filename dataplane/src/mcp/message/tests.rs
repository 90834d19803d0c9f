use serde_json::{Value, json};

use super::*;
use crate::mcp::page::{PageLimits, page};
use crate::mcp::{Shape, scan, scan_response};

const HINTS: CacheHints = CacheHints { ttl_ms: 5000, public: false };

fn parse(message: &Bytes) -> Value {
    serde_json::from_slice(message).unwrap()
}

#[test]
fn our_own_requests_pass_our_own_scan() {
    let requests = [
        initialize_request(b"1", Revision::R20251125, None),
        initialize_request(b"1", Revision::R20251125, Some(br#"{"name":"agent","version":"1"}"#)),
        discover_request(b"\"p\""),
        tools_list_request(b"2", Era::Modern, Some("a\"b")),
        tools_list_request(b"2", Era::Legacy, None),
    ];
    for request in requests {
        assert_eq!(scan(&request).unwrap().shape, Shape::Request, "{request:?}");
    }
    for notification in [initialized(), cancelled(b"\"u1\"", "the agent went away")] {
        assert_eq!(scan(&notification).unwrap().shape, Shape::Notification);
    }
}

#[test]
fn our_own_modern_requests_carry_the_metadata_that_we_ask_of_others() {
    for request in [discover_request(b"1"), tools_list_request(b"1", Era::Modern, None)] {
        let meta = scan(&request).unwrap().meta.unwrap();
        assert!(meta.protocol_version.unwrap().is(&request, "2026-07-28"));
        assert_eq!(meta.client_capabilities.unwrap().value.of(&request), b"{}");
        assert!(meta.client_info.is_some());
    }
    assert!(scan(&tools_list_request(b"1", Era::Legacy, None)).unwrap().meta.is_none());
}

#[test]
fn initialize_answers_the_revision_and_promises_no_notifications() {
    let answer = parse(&initialize_result(b"1", Revision::R20250326, Some("Mind the \"gap\".")));
    let result = &answer["result"];
    assert_eq!(result["protocolVersion"], "2025-03-26");
    assert_eq!(result["capabilities"], json!({"tools": {"listChanged": false}}));
    assert_eq!(result["serverInfo"]["name"], NAME);
    assert_eq!(result["instructions"], "Mind the \"gap\".");
    assert!(result.get("resultType").is_none());
}

#[test]
fn discover_lists_every_revision_and_carries_cache_hints() {
    let answer = parse(&discover_result(b"1", None, HINTS));
    let result = &answer["result"];
    let versions = json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
    assert_eq!(result["supportedVersions"], versions);
    assert_eq!(
        (&result["ttlMs"], &result["cacheScope"], &result["resultType"]),
        (&json!(5000), &json!("private"), &json!("complete"))
    );
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], NAME);
    assert!(result.get("serverInfo").is_none() && result.get("instructions").is_none());
}

#[test]
fn a_list_has_the_shape_of_its_era() {
    let one = page(&["{}"], |_| true, 0, PageLimits::default());
    let none = page(&["{}"], |_| false, 0, PageLimits::default());
    let list = |era, page: &Page<'_>, next, hints| {
        Bytes::from([tools_list_head(b"1", era, next, hints), tools_list_tail(page)].concat())
    };
    let legacy = list(Era::Legacy, &one, None, HINTS);
    assert_eq!(legacy, r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{}]}}"#);
    let legacy = parse(&list(Era::Legacy, &none, Some("c"), HINTS));
    assert_eq!(legacy["result"], json!({"tools": [], "nextCursor": "c"}));
    let modern = parse(&list(Era::Modern, &none, Some("c"), CacheHints { ttl_ms: 0, public: true }));
    assert_eq!(modern["result"]["cacheScope"], "public");
    assert_eq!(modern["result"]["nextCursor"], "c");
    assert_eq!(modern["result"]["resultType"], "complete");
}

#[test]
fn answers_of_our_own_are_answers_that_we_would_accept() {
    for era in [Era::Legacy, Era::Modern] {
        for answer in [empty_result(b"\"x\"", era), tool_error(b"1", era, "it \u{7} failed")] {
            let envelope = scan_response(&answer).unwrap();
            assert_eq!(envelope.result.unwrap().result_type.is_some(), era == Era::Modern);
        }
    }
    let error = parse(&tool_error(b"1", Era::Legacy, "no"));
    assert_eq!(error["result"], json!({"content": [{"type": "text", "text": "no"}], "isError": true}));
}
