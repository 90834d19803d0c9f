use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::mcp::error::HEADER_MISMATCH;
use crate::mcp::scan;

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let pair = |(name, value): &(&str, &[u8])| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        map.append(name, value);
    }
    map
}

/// Method, the member of params that `Mcp-Name` mirrors, and what the header says.
const TARGETS: [(&str, &str, &str); 4] = [
    ("tools/call", r#""name":"get_weather""#, "get_weather"),
    ("prompts/get", r#""name":"résumé""#, "=?base64?csOpc3Vtw6k=?="),
    ("resources/read", r#""uri":"file:///a b""#, "file:///a b"),
    ("tools/call", r#""name":"=?base64?YQ==?=""#, "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
];

fn body(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

fn check(pairs: &[(&str, &[u8])], body: &str) -> Result<(), HeaderFault> {
    let headers = headers(pairs);
    unambiguous(&headers)?;
    mirrored(&headers, body.as_bytes(), &scan(body.as_bytes()).unwrap())
}

fn assert_mismatch(result: &Result<(), HeaderFault>, case: impl std::fmt::Debug) {
    let fault = result.clone().expect_err(&format!("{case:?} was accepted"));
    assert_eq!((fault.status().as_u16(), fault.code()), (400, HEADER_MISMATCH), "{case:?}");
}

#[test]
fn headers_that_mirror_the_body_are_accepted() {
    for (method, params, name) in TARGETS {
        check(&[("Mcp-Method", method.as_bytes()), ("mcp-name", name.as_bytes())], &body(method, params)).unwrap();
    }
    check(&[("mcp-method", b"tools/list")], &body("tools/list", "")).unwrap();
    check(&[("mcp-method", b"tasks/get"), ("mcp-name", b"t")], &body("tasks/get", r#""taskId":"t""#)).unwrap();
}

#[test]
fn every_way_to_say_something_else_than_the_body_is_a_mismatch() {
    for (method, params, name) in TARGETS {
        let (method_bytes, name_bytes, body) = (method.as_bytes(), name.as_bytes(), body(method, params));
        let upper = method.to_uppercase();
        let list = format!("{method}, {method}");
        let spaced = format!("{method} x");
        let methods: [&[u8]; 7] =
            [b"", b"tools/list", upper.as_bytes(), list.as_bytes(), spaced.as_bytes(), b"\xff", b"ping"];
        for wrong in methods {
            assert_mismatch(&check(&[("mcp-method", wrong), ("mcp-name", name_bytes)], &body), wrong);
        }
        let upper = if name.starts_with("=?") { name.replace("base64", "BASE64") } else { name.to_uppercase() };
        let twice = format!("{name},{name}");
        let names: [&[u8]; 9] = [
            b"",
            b"other",
            upper.as_bytes(),
            twice.as_bytes(),
            b"get_weather\t.",
            b"\xc3\xa9",
            b"=?base64?!?=",
            b"=?base64?csOpc3Vtw6k?=",
            b"=?base64?/w==?=",
        ];
        for wrong in names {
            assert_mismatch(&check(&[("mcp-method", method_bytes), ("mcp-name", wrong)], &body), wrong);
        }
        let (m, n) = (("mcp-method", method_bytes), ("mcp-name", name_bytes));
        for wrong in [
            vec![n],
            vec![m],
            vec![m, m, n],
            vec![m, n, n],
            vec![m, ("mcp-method", b"x"), n],
            vec![m, n, ("mcp-name", b"x")],
            vec![("mcp_method", method_bytes), n],
            vec![m, n, ("mcp_name", name_bytes)],
            vec![m, n, ("mcp-session_id", b"x")],
            vec![m, n, ("mcp_param-x", b"x")],
            vec![m, n, ("connection", b"close, Mcp-Name")],
            vec![m, n, ("connection", b"MCP-METHOD")],
            vec![m, n, ("connection", b"keep-alive"), ("connection", b" mcp-param-x ")],
        ] {
            assert_mismatch(&check(&wrong, &body), wrong);
        }
    }
}

#[test]
fn a_long_value_that_differs_at_the_end_is_a_mismatch() {
    let long = "x".repeat(8192);
    let target = body("tools/call", &format!("\"name\":\"{long}\""));
    check(&[("mcp-method", b"tools/call"), ("mcp-name", long.as_bytes())], &target).unwrap();
    let other = format!("{}y", &long[1..]);
    assert_mismatch(&check(&[("mcp-method", b"tools/call"), ("mcp-name", other.as_bytes())], &target), "the last byte");
}

#[test]
fn a_name_that_the_body_does_not_have_is_a_mismatch() {
    for method in ["tools/list", "resources/list", "server/discover", "completion/complete"] {
        assert_mismatch(&check(&[("mcp-method", method.as_bytes()), ("mcp-name", b"x")], &body(method, "")), method);
    }
    assert_mismatch(&check(&[("mcp-method", b"tools/call"), ("mcp-name", b"x")], &body("tools/call", "")), "no name");
    // The uri of a call is not its target.
    let elsewhere = body("tools/call", r#""name":"a","uri":"b""#);
    assert_mismatch(&check(&[("mcp-method", b"tools/call"), ("mcp-name", b"b")], &elsewhere), "uri");
}

#[test]
fn spaces_that_http_does_not_count_are_not_there() {
    // The value as a parser hands it over: white space around it is cut (RFC 9110, 5.5). What remains counts.
    let padded = body("tools/call", r#""name":" a ""#);
    assert_mismatch(&check(&[("mcp-method", b"tools/call"), ("mcp-name", b"a")], &padded), "cut");
    check(&[("mcp-method", b"tools/call"), ("mcp-name", b"=?base64?IGEg?=")], &padded).unwrap();
}

#[test]
fn an_underscore_in_the_name_of_an_argument_is_the_servers_own() {
    unambiguous(&headers(&[("mcp-param-user_id", b"1"), ("x_other", b"1"), ("connection", b"x_other, mcp")])).unwrap();
}

#[test]
fn a_post_must_be_json_and_its_sender_take_json_and_event_streams() {
    let both: &[u8] = b"application/json, text/event-stream";
    let status = |content: &[&[u8]], accept: &[&[u8]]| {
        let mut pairs: Vec<(&str, &[u8])> = content.iter().map(|value| ("content-type", *value)).collect();
        pairs.extend(accept.iter().map(|value| ("accept", *value)));
        post_media(&headers(&pairs)).map_err(|fault| fault.status().as_u16())
    };
    for content in [&b"application/json"[..], b"Application/JSON ; charset=utf-8", b"application/json;x"] {
        assert_eq!(status(&[content], &[both]), Ok(()));
    }
    for content in [
        &[&b"text/plain"[..]][..],
        &[],
        &[b"application/jsonx"],
        &[b"application/json", b"application/json"],
        &[b"application/json, text/plain"],
    ] {
        assert_eq!(status(content, &[both]), Err(415), "{content:?}");
    }
    let json: &[&[u8]] = &[b"application/json"];
    for accept in
        [&[][..], &[&b"*/*"[..]], &[b"text/event-stream;q=0.5", b"APPLICATION/json"], &[b"text/*, application/*"]]
    {
        assert_eq!(status(json, accept), Ok(()), "{accept:?}");
    }
    for accept in [&[&b""[..]][..], &[b"application/json"], &[b"text/event-stream"], &[b"text/html, image/*"]] {
        assert_eq!(status(json, accept), Err(406), "{accept:?}");
    }
}

#[test]
fn an_upstream_gets_the_headers_of_its_own_revision() {
    let mirrored = |revision, name| {
        let mut map = headers(&[("x", b"kept")]);
        mirror(&mut map, revision, "tools/call", Some(name));
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut all: Vec<_> = map.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        all.sort();
        all
    };
    let expected = |all: &[(&str, &str)]| {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let modern = [
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?bmHDr3Zl?="),
        ("mcp-protocol-version", "2026-07-28"),
        ("x", "kept"),
    ];
    assert_eq!(mirrored(Revision::R20260728, "naïve"), expected(&modern));
    assert_eq!(mirrored(Revision::R20251125, "a"), expected(&[("mcp-protocol-version", "2025-11-25"), ("x", "kept")]));
    assert_eq!(mirrored(Revision::R20250326, "a"), expected(&[("x", "kept")]));
}

#[test]
fn an_unsupported_version_tells_the_supported_ones() {
    let fault = HeaderFault::UnsupportedVersion { requested: "v\"999".to_owned() };
    let rendered: serde_json::Value = serde_json::from_slice(&fault.render(Some(b"1"))).unwrap();
    assert_eq!(rendered["error"]["code"], -32022);
    assert_eq!(rendered["error"]["data"]["requested"], "v\"999");
    assert_eq!(rendered["error"]["data"]["supported"][0], "2026-07-28");
    assert_eq!(rendered["error"]["data"]["supported"].as_array().unwrap().len(), 5);
}

proptest! {
    #[test]
    fn every_text_survives_its_header(text in any::<String>()) {
        let value = encode(&text);
        prop_assert!(value.as_bytes().iter().all(|byte| matches!(byte, 0x20..=0x7e)));
        prop_assert!(!value.as_bytes().starts_with(b" ") && !value.as_bytes().ends_with(b" "));
        prop_assert_eq!(decode(value.to_str().unwrap()).unwrap(), text);
    }

    #[test]
    fn plain_text_stays_readable(text in "[!-~]([ -~]{0,30}[!-~])?") {
        prop_assume!(!text.starts_with("=?base64?"));
        let value = encode(&text);
        prop_assert_eq!(value.to_str().unwrap(), text.as_str());
    }
}
