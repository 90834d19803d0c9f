//! Looks at servers whose answers the test writes by hand.

mod broken;
mod eras;
mod lists;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;
use portolan_config::{Kind, Name, Version};

use super::{Credential, Found, Target, Timing, examine};
use crate::upstream::tests::server::{Event, Reply, Server, answer, json};
use crate::upstream::tests::upstream;

pub(super) const DISCOVERED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],
    "capabilities":{"tools":{},"logging":{}},"instructions":"Be brief.","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"2"}}}}"#;
pub(super) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},
    "serverInfo":{"name":"old","version":"1"}}}"#;
pub(super) const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","inputSchema":{"type":"object"}}]}}"#;
pub(super) const UNKNOWN: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;

/// What a server answers to each method.
pub(super) struct Script {
    pub(super) discover: String,
    pub(super) initialize: String,
    pub(super) tools: String,
}

impl Script {
    pub(super) fn modern() -> Self {
        Self { discover: json(DISCOVERED), initialize: answer("404 Not Found", JSON, UNKNOWN), tools: json(TOOLS) }
    }

    pub(super) fn legacy() -> Self {
        let refusal =
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}"#;
        let session = format!("{JSON}mcp-session-id: s-1\r\n");
        Self {
            discover: answer("400 Bad Request", JSON, refusal),
            initialize: answer("200 OK", &session, INITIALIZED),
            tools: json(TOOLS),
        }
    }

    pub(super) async fn start(self) -> Server {
        Server::start(move |_, request| {
            Reply::Text(match method(request).as_str() {
                "server/discover" => self.discover.clone(),
                "initialize" => self.initialize.clone(),
                "tools/list" => self.tools.clone(),
                "notifications/initialized" => answer("202 Accepted", "", ""),
                "DELETE" => answer("204 No Content", "", ""),
                other => panic!("nobody may send {other}"),
            })
        })
        .await
    }
}

pub(super) const JSON: &str = "content-type: application/json\r\n";

/// The JSON-RPC method of a POST, and the method of anything else.
pub(super) fn method(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(message) => message["method"].as_str().unwrap().to_owned(),
        Err(_) => head.split(' ').next().unwrap().to_owned(),
    }
}

pub(super) fn target(server: &Server) -> Target {
    Target {
        name: Name::new(Kind::Server, "shop", "tools"),
        version: Version::of(b"1"),
        path: PathAndQuery::from_static("/mcp"),
        authority: HeaderValue::from_static("mcp.test"),
        revisions: vec![],
        timing: Timing { interval: Duration::from_secs(3600), timeout: Duration::from_secs(5) },
        credential: Credential::None,
        upstream: Arc::new(upstream(&[server.address])),
    }
}

pub(super) async fn look(server: &Server) -> Result<Found, super::Fault> {
    examine(&target(server), None).await
}

/// The methods that the server was asked, in order.
pub(super) fn asked(server: &mut Server) -> Vec<String> {
    requests(server).iter().map(|request| method(request)).collect()
}

pub(super) fn requests(server: &mut Server) -> Vec<String> {
    let seen = server.seen().into_iter();
    seen.filter_map(|event| if let Event::Request(request) = event { Some(request) } else { None }).collect()
}
