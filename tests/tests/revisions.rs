//! Older revisions as their clients and servers speak them on the wire: published ones offer the newest of the older revisions only.

use http::{Method, StatusCode};
use portolan_tests::agent::{Agent, Stream};
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{route, server};
use portolan_tests::recorder::{Answer, Recorder, Speaks, tool};
use portolan_tests::request::{Reply, Request};
use portolan_tests::standalone::Standalone;
use serde_json::json;

/// The revisions, and whether their clients say which one it is in each request.
const OLDER: [(&str, bool); 3] = [("2025-03-26", false), ("2025-06-18", true), ("2025-11-25", true)];

async fn before(speaks: Speaks) -> anyhow::Result<(Standalone, Recorder)> {
    let recorder = Recorder::start(speaks, &[tool("echo")]).await?;
    let gateway = Standalone::start(&[server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])]).await?;
    Agent::modern(&gateway, "/mcp").lists(&["alpha_echo"]).await;
    recorder.forget();
    Ok((gateway, recorder))
}

/// A client of one of these revisions.
struct Client<'a> {
    gateway: &'a Standalone,
    revision: &'static str,
    says_revision: bool,
    session: String,
}

impl<'a> Client<'a> {
    async fn start(gateway: &'a Standalone, revision: &'static str, says_revision: bool) -> anyhow::Result<Self> {
        let reply = gateway.send(&Request::initialize("/mcp", revision)).await?;
        assert_eq!(reply.json()["result"]["protocolVersion"], revision, "{}", reply.text());
        let session = reply.header("mcp-session-id").unwrap_or_default().to_owned();
        let client = Self { gateway, revision, says_revision, session };
        let accepted = client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await?;
        assert_eq!(accepted.status, StatusCode::ACCEPTED);
        Ok(client)
    }

    fn with_session(&self, request: Request) -> Request {
        let request = request.with("mcp-session-id", &self.session);
        if self.says_revision { request.with("mcp-protocol-version", self.revision) } else { request }
    }

    fn post(&self, body: &str) -> Request {
        self.with_session(Request::post("/mcp", body))
    }

    fn call(&self, meta: &str) -> Request {
        self.post(&format!(
            r#"{{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{{{meta}"name":"alpha_echo","arguments":{{"text":"x"}}}}}}"#
        ))
    }

    async fn send(&self, body: &str) -> anyhow::Result<Reply> {
        self.gateway.send(&self.post(body)).await
    }
}

#[tokio::test]
async fn a_client_of_each_revision_lists_calls_and_ends_its_session() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy, Speaks::Sessionless, Speaks::Both] {
        let (gateway, recorder) = before(speaks).await?;
        for (revision, says) in OLDER {
            let case = format!("{revision} before {speaks:?}");
            let client = Client::start(&gateway, revision, says).await?;
            let pong = client.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await?;
            assert_eq!(pong.json()["result"], json!({}), "{case}");
            let list = client.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).await?.json();
            assert_eq!(list["result"]["tools"][0]["name"], "alpha_echo", "{case}: {list}");
            assert!(list["result"].get("resultType").is_none() && list["result"].get("ttlMs").is_none(), "{case}");
            let reply = gateway.send(&client.call("")).await?;
            let done = r#"{"jsonrpc":"2.0","id":"c","result":{"content":[{"type":"text","text":"done"}]}}"#;
            assert_eq!(reply.text(), done, "{case}");
            recorder.sees("tools/call").await;
            let unknown = client.send(r#"{"jsonrpc":"2.0","id":3,"method":"resources/list"}"#).await?;
            assert_eq!((unknown.status, unknown.code()), (StatusCode::OK, Some(-32601)), "{case}");
            let end = client.with_session(Request::get("/mcp").by(Method::DELETE));
            assert!(gateway.send(&end).await?.status.is_success(), "{case}");
            assert_eq!(gateway.send(&client.call("")).await?.status, StatusCode::NOT_FOUND, "{case}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn progress_and_cancellation_are_those_of_every_older_revision() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let (gateway, recorder) = before(speaks).await?;
        let progress =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$TOKEN,"progress":1}}"#;
        recorder.answer("echo", Answer::Open(vec![progress.to_owned()]));
        for (revision, says) in OLDER {
            let case = format!("{revision} before {speaks:?}");
            let client = Client::start(&gateway, revision, says).await?;
            recorder.forget();
            let gone = recorder.gone();
            let request = client.call(r#""_meta":{"progressToken":"mine"},"#);
            let mut stream = Stream::of(&request, gateway.addresses.listen).await?;
            assert_eq!(stream.message().await?["params"], json!({"progressToken": "mine", "progress": 1}), "{case}");
            let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}"#;
            assert_eq!(client.send(cancel).await?.status, StatusCode::ACCEPTED, "{case}");
            assert_eq!(stream.next().await?, None, "{case}: the stream ends without an answer");
            if speaks == Speaks::Modern {
                eventually("the exchange is broken off", async || (recorder.gone() > gone).then_some(())).await;
            } else {
                let id = recorder.sees("tools/call").await.json()["id"].clone();
                let told = recorder.sees("notifications/cancelled").await;
                assert_eq!(told.json()["params"]["requestId"], id, "{case}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_is_refused_also_where_its_revision_knew_them() -> anyhow::Result<()> {
    let (gateway, recorder) = before(Speaks::Both).await?;
    let client = Client::start(&gateway, "2025-03-26", false).await?;
    recorder.forget();
    let one = String::from_utf8_lossy(&client.call("").body).into_owned();
    let initialize = String::from_utf8_lossy(&Request::initialize("/mcp", "2025-03-26").body).into_owned();
    for body in [format!("[{one}]"), format!("[{one},{one}]"), format!("[{initialize}]"), "[]".to_owned()] {
        let reply = client.send(&body).await?;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, Some(-32600)), "{body}");
    }
    assert!(recorder.seen().is_empty(), "{:?}", recorder.seen());
    Ok(())
}

#[tokio::test]
async fn a_session_of_one_revision_is_none_of_another() -> anyhow::Result<()> {
    let (gateway, recorder) = before(Speaks::Both).await?;
    for (revision, _) in OLDER {
        let client = Client::start(&gateway, revision, true).await?;
        recorder.forget();
        for (other, _) in OLDER.into_iter().filter(|(other, _)| *other != revision) {
            let reply = gateway.send(&client.call("").with("mcp-protocol-version", other)).await?;
            assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, Some(-32600)), "{revision} {other}");
        }
        assert!(recorder.seen().is_empty(), "{:?}", recorder.seen());
    }
    Ok(())
}

#[tokio::test]
async fn a_server_of_each_revision_is_spoken_to_in_its_own() -> anyhow::Result<()> {
    for (revision, says) in OLDER {
        let recorder = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
        recorder.agree_on(revision);
        let gateway = Standalone::start(&[server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])]).await?;
        let modern = Agent::modern(&gateway, "/mcp");
        modern.lists(&["alpha_echo"]).await;
        for agent in [modern, Agent::legacy(&gateway, "/mcp").await?] {
            recorder.forget();
            assert_eq!(agent.call("alpha_echo", "{}").await?.tool_text(), "done", "{revision}");
            let call = recorder.sees("tools/call").await;
            // Before 2025-06-18 there is no such header.
            assert_eq!(call.header("mcp-protocol-version"), if says { revision } else { "" }, "{revision}");
            assert!(!call.header("mcp-session-id").is_empty(), "{revision}");
            assert!(
                call.header("mcp-method").is_empty() && !call.text().contains("io.modelcontextprotocol"),
                "{revision}"
            );
        }
    }
    Ok(())
}
