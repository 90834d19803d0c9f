use http::HeaderMap;

use super::super::tests::Scene;
use super::*;
use crate::mcp::cross::Crossing;
use crate::mcp::revision::Revision;

/// What an agent gets for an event of a server's stream.
fn passed(data: &'static str) -> Option<String> {
    let scene = Scene::new();
    let mut account = scene.account();
    let exchange = scene.exchange(&mut account, HeaderMap::new());
    let forward = Forward { server: scene.server(), revision: Revision::R20260728, id: 7, session: None, params: None };
    let mut relay = Relay {
        body: None,
        parser: Parser::new(1024),
        withdrawal: None,
        running: None,
        vigil: Vigil::over(&exchange, None, None),
        heartbeat: Duration::from_secs(1),
        worker: 0,
        trace: exchange.trace.clone(),
        deadlines: exchange.deadlines(&forward.server),
        _place: stream::place(&exchange).unwrap(),
        rewriter: Rewriter {
            ours: 7,
            id: Bytes::from_static(b"1"),
            progress: None,
            declared: None,
            crossing: Crossing { client: Revision::R20251125, upstream: forward.revision },
        },
        forward,
    };
    relay.pass(&Bytes::from_static(data.as_bytes())).map(|event| String::from_utf8(event.to_vec()).unwrap())
}

#[test]
fn the_answer_is_passed_on_under_the_agents_id() {
    let event = passed(r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#).unwrap();
    assert_eq!(event, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n");
}

#[test]
fn what_is_not_about_the_call_or_cannot_be_read_is_passed_over() {
    for data in [
        "",
        "no JSON",
        r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create"}"#,
    ] {
        assert_eq!(passed(data), None, "{data}");
    }
}

#[test]
fn an_answer_that_agents_must_not_be_told_becomes_a_tool_error_with_the_servers_name() {
    for data in [
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"canary"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"canary"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","requestState":"canary"}}"#,
    ] {
        let event = passed(data).unwrap();
        assert!(event.contains(r#""isError":true"#) && event.contains("scm/one"), "{event}");
        assert!(!event.contains("canary"), "{event}");
    }
}
