use http::{HeaderMap, HeaderValue};

use super::*;
use crate::mcp::scan;

fn sort_with(pairs: &[(&'static str, &'static str)], body: &str) -> Result<String, (u16, i64)> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let envelope = scan(body.as_bytes()).unwrap();
    classify(&headers, body.as_bytes(), &envelope)
        .map(|inbound| format!("{inbound:?}"))
        .map_err(|fault| (fault.status().as_u16(), fault.code()))
}

fn request(method: &str, meta: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"_meta":{{{meta}}}}}}}"#)
}

fn claim(version: &str) -> String {
    format!(
        r#""io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}"#
    )
}

const VERSION: &str = "mcp-protocol-version";
const SESSION: (&str, &str) = ("mcp-session-id", "s");

#[test]
fn a_request_whose_metadata_and_header_agree_is_modern() {
    let modern = Ok("Modern { revision: R20260728 }".to_owned());
    let body = request("tools/list", &claim("2026-07-28"));
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), modern);
    assert_eq!(sort_with(&[(VERSION, "2026-07-28"), SESSION], &body), modern, "a session header is ignored");
    let body = request("initialize", &claim("2026-07-28"));
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), modern, "which has no such method");
}

#[test]
fn a_header_that_differs_from_the_metadata_is_a_mismatch_before_anything_else() {
    let mismatch = Err((400, -32020));
    let body = request("tools/list", &claim("v999.0.0"));
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), mismatch);
    assert_eq!(sort_with(&[(VERSION, "V999.0.0")], &body), mismatch);
    assert_eq!(sort_with(&[], &body), mismatch);
    assert_eq!(sort_with(&[(VERSION, "v999.0.0"), (VERSION, "v999.0.0")], &body), mismatch);
    assert_eq!(sort_with(&[("mcp_protocol_version", "v999.0.0")], &body), mismatch);
    assert_eq!(sort_with(&[(VERSION, "v999.0.0")], &body), Err((400, -32022)));
    let body = request("tools/list", &claim("2025-11-25"));
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), mismatch);
    let body = request("tools/list", &claim("2026-07-28"));
    assert_eq!(sort_with(&[(VERSION, "2025-11-25")], &body), mismatch);
    assert_eq!(sort_with(&[SESSION], &body), mismatch);
}

#[test]
fn a_modern_request_without_its_metadata_is_told_which_is_missing() {
    let missing = Err((400, -32602));
    let body = request("tools/list", r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#);
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), missing);
    let body = request("tools/list", "");
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &body), missing);
    assert_eq!(sort_with(&[(VERSION, "2026-07-28"), SESSION], &body), missing);
    assert!(HeaderFault::MissingMeta { version: true }.message().contains("protocolVersion"));
    assert!(HeaderFault::MissingMeta { version: false }.message().contains("clientCapabilities"));
}

#[test]
fn initialize_without_modern_metadata_opens_a_legacy_session_whatever_version_it_names() {
    let initialize = |version: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{version}"}}}}"#)
    };
    let answer = |revision: &str| Ok(format!("LegacyInitialize {{ revision: {revision} }}"));
    assert_eq!(sort_with(&[], &initialize("2025-03-26")), answer("R20250326"));
    assert_eq!(sort_with(&[], &initialize("2026-07-28")), answer("R20251125"));
    assert_eq!(sort_with(&[(VERSION, "2026-07-28")], &initialize("1.0")), answer("R20251125"));
    assert_eq!(sort_with(&[(VERSION, "nonsense")], &initialize("2024-11-05")), answer("R20241105"));
}

#[test]
fn everything_else_without_modern_metadata_belongs_to_a_session() {
    let body = request("tools/list", "");
    let legacy =
        |session: &str, revision: &str| Ok(format!("LegacyRequest {{ session: {session}, revision: {revision} }}"));
    assert_eq!(sort_with(&[], &body), legacy("None", "None"));
    assert_eq!(sort_with(&[SESSION, (VERSION, "2025-06-18")], &body), legacy("Some(\"s\")", "Some(R20250618)"));
    assert_eq!(
        sort_with(&[SESSION, ("mcp-method", "other")], &body),
        legacy("Some(\"s\")", "None"),
        "modern headers are tolerated"
    );
    assert_eq!(sort_with(&[SESSION, (VERSION, "2025-06-19")], &body), Err((400, -32022)));
    assert_eq!(sort_with(&[SESSION, SESSION], &body), Err((400, -32020)));
    let body = request("tools/list", &claim("2025-11-25"));
    assert_eq!(
        sort_with(&[], &body),
        legacy("None", "Some(R20251125)"),
        "metadata that names a legacy revision is never modern"
    );
}

#[test]
fn notifications_and_responses_go_to_their_session() {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(
        sort_with(&[SESSION], notification),
        Ok("Notification { session: Some(\"s\"), revision: None }".to_owned())
    );
    assert_eq!(
        sort_with(&[SESSION, (VERSION, "2026-07-28")], notification),
        Ok("Notification { session: None, revision: Some(R20260728) }".to_owned())
    );
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(sort_with(&[SESSION], response), Ok("ClientResponse { session: \"s\", revision: None }".to_owned()));
    assert_eq!(sort_with(&[], response), Err((400, -32600)));
    assert_eq!(sort_with(&[SESSION, (VERSION, "2026-07-28")], response), Err((400, -32600)));
}

#[test]
fn a_batch_is_refused_in_every_era() {
    for headers in [&[][..], &[SESSION], &[(VERSION, "2025-03-26"), SESSION], &[(VERSION, "2026-07-28")]] {
        assert_eq!(sort_with(headers, r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), Err((400, -32600)));
    }
}
