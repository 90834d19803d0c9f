use super::super::tests::{Scene, message};
use super::*;
use crate::mcp::param::ParamHeader;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a_search","arguments":{"region":"eu"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

fn sent(revision: Revision, session: Option<Opened>, params: Option<Arc<[ParamHeader]>>) -> Request<Bytes> {
    let scene = Scene::new();
    let mut account = scene.account();
    let mut agents = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer canary"),
        ("cookie", "canary"),
        ("mcp-session-id", "canary"),
        ("mcp-param-new", "1"),
        ("x-any", "canary"),
    ] {
        agents.insert(name, HeaderValue::from_static(value));
    }
    let exchange = scene.exchange(&mut account, agents);
    let forward = Forward { server: scene.server(), revision, id: 7, session: session.map(Arc::new), params };
    forward.request(&exchange, &message(CALL, Revision::R20260728), &scene.target()).unwrap()
}

#[test]
fn nothing_of_the_agents_own_headers_goes_on_but_arguments_that_we_do_not_know() {
    for revision in [Revision::R20260728, Revision::R20251125] {
        let request = sent(revision, None, None);
        assert!(!format!("{:?}", request.headers()).contains("canary"), "{revision}");
        assert_eq!(request.headers()["host"], "one.scm.svc:8080");
        assert_eq!(request.uri(), "/mcp");
        let passed = request.headers().contains_key("mcp-param-new");
        assert_eq!(passed, revision == Revision::R20260728, "{revision}: older servers have no such headers");
    }
}

#[test]
fn a_modern_server_is_told_its_own_name_of_the_tool_in_header_and_body() {
    let request = sent(Revision::R20260728, None, None);
    assert_eq!(
        (&request.headers()["mcp-name"], &request.headers()["mcp-method"]),
        (&"search".parse().unwrap(), &"tools/call".parse().unwrap())
    );
    let body = String::from_utf8_lossy(request.body()).into_owned();
    assert!(body.contains(r#""name":"search""#) && body.contains(r#""id":7"#), "{body}");
}

#[test]
fn an_older_server_is_told_its_session_and_revision() {
    let opened = |id| Opened { id, endpoint: "e".to_owned(), revision: Revision::R20250618 };
    let request = sent(Revision::R20250618, Some(opened(Some(HeaderValue::from_static("theirs")))), None);
    assert_eq!(
        (&request.headers()["mcp-session-id"], &request.headers()["mcp-protocol-version"]),
        (&"theirs".parse().unwrap(), &"2025-06-18".parse().unwrap())
    );
    assert!(!request.headers().contains_key("mcp-name"));
    assert!(!sent(Revision::R20250618, Some(opened(None)), None).headers().contains_key("mcp-session-id"));
}

#[test]
fn a_schema_that_is_newer_than_the_catalogue_decides_what_is_mirrored() {
    let schema = br#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#;
    let params: Arc<[ParamHeader]> = ParamHeader::of_schema(schema).unwrap().into();
    assert_eq!(sent(Revision::R20260728, None, Some(params)).headers()["mcp-param-region"], "eu");
    assert!(!sent(Revision::R20260728, None, None).headers().contains_key("mcp-param-region"));
}
