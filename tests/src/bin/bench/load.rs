//! The closed loop: connections that send a call, read its answer, check it, and send the next.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::machine::{self, Cpu};

/// Which protocol the calls speak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25, with a session.
    Legacy,
    /// 2026-07-28.
    Modern,
}

/// A call, ready to be sent.
pub struct Call {
    address: SocketAddr,
    request: Vec<u8>,
}

/// What one run measured.
#[derive(Clone)]
pub struct Run {
    calls: u64,
    cpu: Cpu,
    wall: Duration,
    latencies: Vec<u32>,
}

impl Run {
    /// Microseconds of the proxy's CPU for one call.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.total_us() / self.calls as f64
    }
}

impl Call {
    /// Makes the request, opening a session first where the era has them. With a token the gateway is spoken to, by its own names.
    pub async fn prepare(address: SocketAddr, era: Era, token: Option<&str>) -> anyhow::Result<Self> {
        let name = if token.is_some() { "first_echo" } else { "echo" };
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let arguments = r#"{"text":"a message of ordinary length, as agents write them to their tools","count":3}"#;
        let request = match era {
            Era::Modern => {
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
                );
                let headers = format!(
                    "{authorization}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
                );
                post(address, &headers, &body)
            }
            Era::Legacy => {
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
                );
                let session = match token {
                    Some(_) => format!("Mcp-Session-Id: {}\r\n", open_session(address, &authorization).await?),
                    None => String::new(),
                };
                let headers = format!("{authorization}MCP-Protocol-Version: 2025-11-25\r\n{session}");
                post(address, &headers, &body)
            }
        };
        Ok(Self { address, request })
    }
}

fn post(address: SocketAddr, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn open_session(address: SocketAddr, authorization: &str) -> anyhow::Result<String> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&post(address, authorization, body)).await?;
    let mut buffer = Vec::new();
    let head = read_answer(&mut stream, &mut buffer).await?;
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let start = head.find("mcp-session-id: ").context("no session was opened")? + "mcp-session-id: ".len();
    let end = start + head[start..].find("\r\n").context("a cut head")?;
    // The id is case-sensitive: take it from the bytes as they came.
    Ok(String::from_utf8_lossy(&buffer[start..end]).into_owned())
}

/// Runs the loop on so many connections for so long.
pub async fn run(call: &Call, pid: u32, connections: usize, length: Duration) -> anyhow::Result<Run> {
    let before = machine::cpu(pid)?;
    let started = Instant::now();
    let end = started + length;
    let loops = (0..connections).map(|_| tokio::spawn(closed_loop(call.address, call.request.clone(), end)));
    let mut latencies = Vec::new();
    for handle in loops.collect::<Vec<_>>() {
        latencies.extend(handle.await??);
    }
    let wall = started.elapsed();
    let cpu = machine::cpu(pid)?.since(before);
    latencies.sort_unstable();
    Ok(Run { calls: latencies.len() as u64, cpu, wall, latencies })
}

async fn closed_loop(address: SocketAddr, request: Vec<u8>, end: Instant) -> anyhow::Result<Vec<u32>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    let mut latencies = Vec::with_capacity(1 << 16);
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(&request).await?;
        read_answer(&mut stream, &mut buffer).await?;
        ensure!(buffer.starts_with(b"HTTP/1.1 200"), "bad answer: {}", String::from_utf8_lossy(&buffer));
        let text = find(&buffer, b"\"echoed\":true").is_some() && find(&buffer, b"\"id\":7").is_some();
        ensure!(text, "not our answer: {}", String::from_utf8_lossy(&buffer));
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// Reads one answer with a length into the buffer; returns its head.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<Vec<u8>> {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await?;
        ensure!(read > 0, "the proxy closed the connection");
        let Some(head) = find(buffer, b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).context("an answer without a length")?;
        let length: usize = length.split("\r\n").next().unwrap_or_default().trim().parse()?;
        while buffer.len() < head + 4 + length {
            ensure!(stream.read_buf(buffer).await? > 0, "the proxy cut an answer");
        }
        return Ok(buffer[..head + 4].to_vec());
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The middle of the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One row of the table.
pub fn row(era: Era, proxy: &str, runs: &mut [Run], ratio: f64) -> String {
    let each = |of: &dyn Fn(&Run) -> f64| median(&mut runs.iter().map(of).collect::<Vec<_>>());
    let best = runs.iter().map(Run::cpu_us).fold(f64::INFINITY, f64::min);
    let at =
        |share: f64| move |run: &Run| f64::from(run.latencies[((run.latencies.len() - 1) as f64 * share) as usize]);
    format!(
        "| {} | {proxy} | {best:.1} / {:.1} | {:.1} + {:.1} | {:.0} | {:.0} / {:.0} | {ratio:.2} |",
        if era == Era::Legacy { "legacy" } else { "modern" },
        each(&Run::cpu_us),
        each(&|run| run.cpu.user_us / run.calls as f64),
        each(&|run| run.cpu.kernel_us / run.calls as f64),
        each(&|run| run.calls as f64 / run.wall.as_secs_f64()),
        each(&at(0.5)),
        each(&at(0.99)),
    )
}
