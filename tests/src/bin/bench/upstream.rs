//! The server behind both proxies: speaks just enough of both eras, as fast as hyper can, so that the proxies are what is measured.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a server offers: `echo`, and so many more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tools(pub usize);

/// Starts a server on a free port of loopback.
pub async fn start(tools: Tools) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| serve(request, tools));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

async fn serve(request: Request<Incoming>, tools: Tools) -> Result<Response<Full<Bytes>>, Infallible> {
    let Ok(body) = request.into_body().collect().await else { return Ok(Response::new(Full::default())) };
    let message: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let Some(id) = message.get("id") else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::ACCEPTED;
        return Ok(response);
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result(&message, tools)});
    let mut response = Response::new(Full::from(answer.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn result(message: &Value, tools: Tools) -> Value {
    match message["method"].as_str().unwrap_or_default() {
        "server/discover" => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {"tools": {}},
            "ttlMs": 0, "cacheScope": "private",
        }),
        "initialize" => json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "bench", "version": "1"},
        }),
        "tools/list" => json!({
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "tools": std::iter::once(tool("echo"))
                .chain((0..tools.0).map(|number| tool(&format!("tool_{number}"))))
                .collect::<Vec<_>>(),
        }),
        _ => json!({
            "resultType": "complete",
            "content": [{"type": "text", "text": "a message of ordinary length, as agents write them to their tools"}],
            "structuredContent": {"echoed": true, "count": 3},
        }),
    }
}

fn tool(name: &str) -> Value {
    json!({
        "name": name, "description": "Says it again, as tools do that have a description of ordinary length.",
        "inputSchema": {
            "type": "object", "required": ["text"],
            "properties": {"text": {"type": "string", "description": "What to say."}, "count": {"type": "integer"}},
        },
    })
}
