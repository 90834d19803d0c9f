//! CPU per `tools/call`: an aggregated route of two servers with tokens, four rules and a rate limit, beside a plain `proxy_pass`.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::load::{self, Request};
use super::paired::{self, Side};
use super::stage::Rig;
use super::{Flags, upstream};

/// Which protocol the calls speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25, with a session.
    Legacy,
    /// 2026-07-28.
    Modern,
}

impl Era {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Modern];

    /// The word in tables.
    pub fn word(self) -> &'static str {
        if self == Self::Legacy { "2025-11-25" } else { "2026-07-28" }
    }
}

/// A call of a tool of the first server, straight to it (by its own name) or through the gateway (with a token). A session is opened first
/// where the era has them.
pub async fn call(address: SocketAddr, era: Era, token: Option<&str>) -> anyhow::Result<Request> {
    let name = if token.is_some() { "first_echo" } else { "echo" };
    let arguments =
        r#""arguments":{"text":"a message of ordinary length, as agents write them to their tools","count":3}"#;
    let headers = format!("Mcp-Method: tools/call\r\nMcp-Name: {name}\r\n");
    let request = post(address, era, token, "tools/call", &headers, &format!(r#""name":"{name}",{arguments}"#)).await?;
    request.answered_with(r#""echoed":true"#).settled().await
}

/// A request of this era: `headers` are those of the modern one, `params` is what its parameters hold.
pub async fn post(
    address: SocketAddr,
    era: Era,
    token: Option<&str>,
    method: &str,
    headers: &str,
    params: &str,
) -> anyhow::Result<Request> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let begin = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}"#);
    let request = match era {
        Era::Modern => {
            let comma = if params.is_empty() { "" } else { "," };
            let body = format!(
                r#"{begin}{comma}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
            );
            raw(address, &format!("{authorization}MCP-Protocol-Version: 2026-07-28\r\n{headers}"), &body)
        }
        Era::Legacy => {
            let session = match token {
                Some(_) => format!("Mcp-Session-Id: {}\r\n", open_session(address, &authorization).await?),
                None => String::new(),
            };
            raw(
                address,
                &format!("{authorization}MCP-Protocol-Version: 2025-11-25\r\n{session}"),
                &format!("{begin}}}}}"),
            )
        }
    };
    Ok(Request::new(address, request))
}

fn raw(address: SocketAddr, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn open_session(address: SocketAddr, authorization: &str) -> anyhow::Result<String> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&raw(address, authorization, body)).await?;
    let mut buffer = Vec::new();
    let head = load::read_answer(&mut stream, &mut buffer).await?;
    let lower = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let start = lower.find("mcp-session-id: ").context("no session was opened")? + "mcp-session-id: ".len();
    let end = start + lower[start..].find("\r\n").context("a cut head")?;
    // The id is case-sensitive: it is taken from the bytes as they came.
    Ok(String::from_utf8_lossy(&buffer[start..end]).into_owned())
}

/// Measures both eras at each number of connections; the worst ratio.
pub async fn measure(flags: &Flags) -> anyhow::Result<f64> {
    let rig = Rig::start(flags, 2, upstream::Tools(0)).await?;
    let title = format!(
        "CPU per tools/call: two servers on one route, JWT, four CEL rules, a rate limit{}, beside proxy_pass; one worker each",
        if flags.audit { ", audit lines" } else { "" }
    );
    paired::title(flags, &title);
    let mut worst: f64 = 0.0;
    for era in Era::ALL {
        for connections in &flags.connections {
            let theirs = call(rig.nginx.address, era, None).await?;
            let ours = call(rig.gateway.address, era, Some(&rig.stage.issuer.token(0)?)).await?;
            let theirs = Side { proxy: &rig.nginx, requests: vec![theirs; *connections] };
            let ours = Side { proxy: &rig.gateway, requests: vec![ours; *connections] };
            worst = worst.max(paired::compare(flags, era.word(), &theirs, &ours).await?);
        }
    }
    println!();
    Ok(worst)
}
