//! The closed loop: connections that send a request, read its answer, check it, and send the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::machine::Cpu;

/// A request, ready to be sent as often as one likes: its answer is always the same.
#[derive(Clone)]
pub struct Request {
    /// Where it goes.
    pub address: SocketAddr,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    marker: &'static str,
}

/// What one run measured.
#[derive(Clone)]
pub struct Run {
    /// Connections of the loop.
    pub connections: usize,
    /// What the proxy spent; whoever runs the loop knows it.
    pub cpu: Cpu,
    wall: Duration,
    /// Microseconds, in ascending order.
    latencies: Vec<u32>,
}

impl Run {
    /// A run's result.
    pub fn new(connections: usize, wall: Duration, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        Self { connections, cpu: Cpu::default(), wall, latencies }
    }

    /// Calls that were answered.
    pub fn calls(&self) -> usize {
        self.latencies.len()
    }

    /// Microseconds of the proxy's CPU for one call.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.total_us() / self.calls() as f64
    }

    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        self.calls() as f64 / self.wall.as_secs_f64()
    }

    /// The latency that this share of the calls did not exceed.
    pub fn latency_us(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        f64::from(self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default())
    }
}

impl Request {
    /// A request to be sent as it is.
    pub fn new(address: SocketAddr, bytes: Vec<u8>) -> Self {
        Self { address, bytes: bytes.into(), marker: "" }
    }

    /// What an answer must hold to be ours.
    pub fn answered_with(self, marker: &'static str) -> Self {
        Self { marker, ..self }
    }

    /// Sends it once; the answer's body.
    pub async fn once(&self) -> anyhow::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(&self.bytes).await?;
        let mut buffer = Vec::new();
        let head = read_answer(&mut stream, &mut buffer).await?;
        self.check(&buffer)?;
        Ok(buffer.split_off(head))
    }

    /// Sends it until it is answered as it should be: a gateway that is ready may not have heard yet what its servers offer.
    pub async fn settled(self) -> anyhow::Result<Self> {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match self.once().await {
                Ok(_) => return Ok(self),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Sends it so often, one after the other on one connection.
    pub async fn times(&self, calls: usize) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let mut buffer = Vec::new();
        for _ in 0..calls {
            stream.write_all(&self.bytes).await?;
            read_answer(&mut stream, &mut buffer).await?;
            self.check(&buffer)?;
        }
        Ok(())
    }

    /// Whether an answer is the one that was asked for.
    pub fn check(&self, answer: &[u8]) -> anyhow::Result<()> {
        let good = answer.starts_with(b"HTTP/1.1 200") && find(answer, self.marker.as_bytes()).is_some();
        ensure!(good, "not our answer: {}", String::from_utf8_lossy(&answer[..answer.len().min(2000)]));
        Ok(())
    }
}

/// Runs the loop for so long: one connection for each request.
pub async fn closed(requests: &[Request], length: Duration) -> anyhow::Result<Run> {
    let started = Instant::now();
    let loops = requests.iter().map(|request| tokio::spawn(one_loop(request.clone(), started + length)));
    let mut latencies = Vec::new();
    for handle in loops.collect::<Vec<_>>() {
        latencies.extend(handle.await??);
    }
    Ok(Run::new(requests.len(), started.elapsed(), latencies))
}

async fn one_loop(request: Request, end: Instant) -> anyhow::Result<Vec<u32>> {
    let mut stream = TcpStream::connect(request.address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    let mut latencies = Vec::with_capacity(1 << 16);
    let mut first = Vec::new();
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(&request.bytes).await?;
        let head = read_answer(&mut stream, &mut buffer).await?;
        if first.is_empty() {
            request.check(&buffer)?;
            first = buffer[head..].to_vec();
        }
        ensure!(buffer[head..] == first, "not the first answer again: {}", String::from_utf8_lossy(&buffer));
        latencies.push(micros(sent.elapsed()));
    }
    Ok(latencies)
}

/// As tables have it.
pub fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// Reads one answer with a length into the buffer; returns where its body begins.
pub async fn read_answer(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> anyhow::Result<usize> {
    read_next(stream, buffer).await?.context("the proxy closed the connection")
}

/// The same; `None` where the connection ends before it.
pub async fn read_next(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> anyhow::Result<Option<usize>> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            ensure!(buffer.is_empty(), "the proxy cut an answer");
            return Ok(None);
        }
        let Some(end) = find(buffer, b"\r\n\r\n") else { continue };
        let (head, length) = (end + 4, content_length(&buffer[..end])?);
        buffer.reserve((head + length).saturating_sub(buffer.len()));
        while buffer.len() < head + length {
            ensure!(stream.read_buf(buffer).await? > 0, "the proxy cut an answer");
        }
        return Ok(Some(head));
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let name = b"content-length:";
    let line = head.split(|byte| *byte == b'\n');
    let value = line
        .filter_map(|line| line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| line))
        .next()
        .context("an answer without a length")?;
    Ok(std::str::from_utf8(&value[name.len()..])?.trim().parse()?)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window.starts_with(needle))
}
