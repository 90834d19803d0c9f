use std::time::Duration;

use super::{INITIALIZED, JSON, Script, UNKNOWN, asked, look, target};
use crate::probe::{Reason, examine};
use crate::upstream::tests::server::{Reply, Server, answer, json};

async fn reason(server: &Server) -> Reason {
    look(server).await.unwrap_err().reason
}

#[tokio::test]
async fn a_server_that_wants_credentials_is_asked_once() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let mut server = Server::start(move |_, _| Reply::Text(answer(status, "", ""))).await;
        assert_eq!(reason(&server).await, Reason::Unauthorized);
        assert_eq!(asked(&mut server), ["server/discover"], "nothing is concluded from {status}");
    }
}

#[tokio::test]
async fn a_server_that_only_fails_is_unreachable_and_not_wrong() {
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "429 Too Many Requests"] {
        let server = Server::start(move |_, _| Reply::Text(answer(status, "", ""))).await;
        assert_eq!(reason(&server).await, Reason::Unreachable, "{status}");
    }
    let server = Server::start(|_, _| Reply::Last(String::new())).await;
    assert_eq!(reason(&server).await, Reason::Unreachable);
}

#[tokio::test]
async fn a_server_that_says_nothing_has_timed_out() {
    let server = Server::start(|_, _| Reply::Text(String::new())).await;
    let mut target = target(&server);
    target.timing.timeout = Duration::from_millis(30);
    assert_eq!(examine(&target, None).await.unwrap_err().reason, Reason::TimedOut);
}

#[tokio::test]
async fn a_server_without_endpoints_has_none() {
    let server = Server::json("{}").await;
    let target = target(&server);
    target.upstream.set_endpoints(&[]);
    assert_eq!(examine(&target, None).await.unwrap_err().reason, Reason::NoEndpoints);
}

#[tokio::test]
async fn what_is_no_mcp_server_is_a_protocol_error() {
    let page = "<html>Welcome to nginx!</html>";
    let answers = [
        answer("200 OK", "content-type: text/html\r\n", page),
        answer("404 Not Found", "content-type: text/html\r\n", page),
        answer("405 Method Not Allowed", "", ""),
        answer("307 Temporary Redirect", "location: http://127.0.0.1:1/\r\n", ""),
        json("{}"),
        json(UNKNOWN),
        json(r#"{"jsonrpc":"2.0","id":1,"result":{"ok":true}}"#),
        json(r#"{"jsonrpc":"2.0","id":7,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}"#),
        json(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"1999-01-01","capabilities":{}}}"#),
        answer("500 OK", "content-encoding: gzip\r\n", ""),
    ];
    for answer in answers {
        let shown = answer.clone();
        let server = Server::start(move |_, _| Reply::Text(answer.clone())).await;
        let fault = look(&server).await.unwrap_err();
        assert_eq!(fault.reason, Reason::ProtocolError, "{shown}");
        assert!(!fault.message.contains("nginx") && !fault.message.contains("127.0.0.1"), "{fault}");
    }
}

#[tokio::test]
async fn a_session_id_that_cannot_be_a_header_of_ours_is_refused() {
    for id in ["", "two words", &"x".repeat(2000)] {
        let headers = format!("{JSON}mcp-session-id: {id}\r\n");
        let script = Script { initialize: answer("200 OK", &headers, INITIALIZED), ..Script::legacy() };
        assert_eq!(reason(&script.start().await).await, Reason::ProtocolError, "{id}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let endless = format!("HTTP/1.1 200 OK\r\n{JSON}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(40));
    let script = Script { discover: endless.clone(), initialize: endless, ..Script::modern() };
    assert_eq!(reason(&script.start().await).await, Reason::ProtocolError);
}
