use http::{HeaderName, HeaderValue};

use super::{DISCOVERED, INITIALIZED, JSON, Script, TOOLS, asked, look, requests, target};
use crate::mcp::Revision;
use crate::probe::{Credential, Reason, examine};
use crate::upstream::tests::server::{Reply, Server, answer, json};

#[tokio::test]
async fn a_modern_server_is_asked_without_a_session() {
    let mut server = Script::modern().start().await;
    let found = look(&server).await.unwrap();
    assert_eq!(found.facts.revisions, ["2026-07-28"], "a version that initialize does not confirm is not spoken");
    assert!(!found.facts.mints_sessions);
    assert_eq!((found.facts.server_name.as_str(), found.facts.server_version.as_str()), ("new", "2"));
    assert_eq!(found.facts.capabilities, ["logging", "tools"]);
    assert_eq!(found.facts.instructions, "Be brief.");
    assert_eq!(found.listing.tools[0].name, "add");
    let requests = requests(&mut server);
    for (request, method) in [(&requests[0], "server/discover"), (&requests[2], "tools/list")] {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /mcp HTTP/1.1\r\nhost: mcp.test\r\n"), "{head}");
        assert!(head.contains("mcp-protocol-version: 2026-07-28"));
        assert!(head.contains(&format!("mcp-method: {method}")));
        assert!(head.contains("accept: application/json, text/event-stream"));
        assert!(!head.contains("accept-encoding") && !head.contains("mcp-session-id"));
        assert!(body.contains("io.modelcontextprotocol/protocolVersion"));
    }
}

#[tokio::test]
async fn a_legacy_server_is_asked_in_a_session_that_is_ended() {
    let mut server = Script::legacy().start().await;
    let found = look(&server).await.unwrap();
    assert_eq!(found.facts.revisions, ["2025-06-18"]);
    assert!(found.facts.mints_sessions);
    assert_eq!(found.facts.server_name, "old");
    assert_eq!(found.listing.tools.len(), 1);
    let requests = requests(&mut server);
    let methods: Vec<_> = requests.iter().map(|request| super::method(request)).collect();
    assert_eq!(methods, ["server/discover", "initialize", "notifications/initialized", "tools/list", "DELETE"]);
    assert!(!requests[1].contains("mcp-protocol-version"), "nothing is agreed on before initialize");
    for request in &requests[2..] {
        assert!(
            request.contains("mcp-session-id: s-1\r\n") && request.contains("mcp-protocol-version: 2025-06-18\r\n")
        );
    }
}

#[tokio::test]
async fn a_legacy_server_without_sessions_is_not_asked_to_end_one() {
    let script = Script { initialize: json(INITIALIZED), ..Script::legacy() };
    let mut server = script.start().await;
    assert!(!look(&server).await.unwrap().facts.mints_sessions);
    assert_eq!(asked(&mut server).last().unwrap(), "tools/list");
}

#[tokio::test]
async fn a_server_of_both_eras_is_reported_as_such_and_listed_in_the_newer() {
    let script = Script { initialize: Script::legacy().initialize, ..Script::modern() };
    let mut server = script.start().await;
    let found = look(&server).await.unwrap();
    assert_eq!(found.facts.revisions, ["2026-07-28", "2025-06-18"]);
    assert!(found.facts.mints_sessions);
    assert_eq!(found.facts.server_name, "new");
    let requests = requests(&mut server);
    let list = requests.iter().find(|request| request.contains("\"tools/list\"")).unwrap();
    assert!(list.contains("mcp-method: tools/list"));
    assert!(requests.last().unwrap().starts_with("DELETE"));
}

#[tokio::test]
async fn pinned_revisions_keep_the_other_era_out() {
    let mut server = Script { initialize: Script::legacy().initialize, ..Script::modern() }.start().await;
    let mut pinned = target(&server);
    pinned.revisions = vec![Revision::R20250618];
    assert_eq!(examine(&pinned, None).await.unwrap().facts.revisions, ["2025-06-18"]);
    assert!(!asked(&mut server).contains(&"server/discover".to_owned()));
    pinned.revisions = vec![Revision::R20260728];
    assert_eq!(examine(&pinned, None).await.unwrap().facts.revisions, ["2026-07-28"]);
    assert!(!asked(&mut server).contains(&"initialize".to_owned()));
}

#[tokio::test]
async fn an_unsupported_version_error_names_what_is_spoken() {
    let error = |supported: &str| {
        let data = format!(r#"{{"supported":[{supported}],"requested":"2026-07-28"}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32022,"message":"no","data":{data}}}}}"#);
        answer("400 Bad Request", JSON, &body)
    };
    let server = Script { discover: error(r#""2025-11-25""#), ..Script::legacy() }.start().await;
    assert_eq!(look(&server).await.unwrap().facts.revisions, ["2025-06-18"]);
    let server = Script { discover: error(r#""2026-07-28""#), ..Script::modern() }.start().await;
    assert_eq!(look(&server).await.unwrap().facts.revisions, ["2026-07-28"]);
}

#[tokio::test]
async fn event_streams_are_understood_like_json() {
    let events = |message: &str| {
        let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
        let message = message.replace('\n', "\ndata: ");
        let body = format!(": hello\n\nevent: message\ndata: {note}\n\ndata: {message}\n\n");
        answer("200 OK", "content-type: Text/Event-Stream; charset=utf-8\r\n", &body)
    };
    let script = Script { discover: events(DISCOVERED), tools: events(TOOLS), ..Script::modern() };
    let server = script.start().await;
    let found = look(&server).await.unwrap();
    assert_eq!((found.facts.revisions.len(), found.listing.tools.len()), (1, 1));
}

#[tokio::test]
async fn an_era_that_says_nothing_now_keeps_what_was_known_of_it() {
    let dual = Script { initialize: Script::legacy().initialize, ..Script::modern() }.start().await;
    let known = look(&dual).await.unwrap().facts;
    let shaky = answer("503 Service Unavailable", "", "");
    let modern = Script { initialize: shaky.clone(), ..Script::modern() }.start().await;
    let found = examine(&target(&modern), Some(&known)).await.unwrap();
    assert_eq!(found.facts.revisions, ["2026-07-28", "2025-06-18"]);
    assert!(found.facts.mints_sessions);
    let legacy = Script { discover: shaky, ..Script::legacy() }.start().await;
    assert_eq!(examine(&target(&legacy), Some(&known)).await.unwrap().facts.revisions, ["2026-07-28", "2025-06-18"]);
    assert_eq!(examine(&target(&legacy), None).await.unwrap().facts.revisions, ["2025-06-18"]);
}

#[tokio::test]
async fn the_credential_goes_with_every_request_and_without_it_nothing_goes() {
    let mut server = Script::legacy().start().await;
    let mut target = target(&server);
    let value = HeaderValue::from_static("Bearer secret");
    target.credential = Credential::Header(HeaderName::from_static("authorization"), value);
    examine(&target, None).await.unwrap();
    assert!(requests(&mut server).iter().all(|request| request.contains("authorization: Bearer secret\r\n")));
    target.credential = Credential::Missing;
    assert_eq!(examine(&target, None).await.unwrap_err().reason, Reason::Unauthorized);
    assert!(requests(&mut server).is_empty());
}

#[tokio::test]
async fn a_busy_server_is_still_looked_at() {
    let server = Server::start(|_, request| {
        Reply::Text(match super::method(request).as_str() {
            "server/discover" => json(DISCOVERED),
            "tools/list" => json(TOOLS),
            _ => answer("404 Not Found", "", ""),
        })
    })
    .await;
    let target = target(&server);
    target.upstream.set_max_concurrent(1);
    let request = http::Request::post("/").body(bytes::Bytes::from_static(br#"{"method":"tools/list"}"#)).unwrap();
    let held = target.upstream.send(0, None, request, &crate::upstream::tests::DEADLINES).await.unwrap();
    assert!(examine(&target, None).await.is_ok());
    drop(held);
}
