//! How the threads of a gateway share the work: each its own connections, or all of them together. Two workers each, in turns, on a few HTTP/2
//! connections with many streams, which a thread of its own may get all of, and on many HTTP/1.1 connections, which spread by themselves.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::call::{self, Era};
use super::load::{self, Request, Run};
use super::machine;
use super::paired::median;
use super::proxies::{Proxy, Shape};
use super::stage::Gateways;
use super::{Flags, upstream};

const WORKERS: usize = 2;
const SHAPES: [Shape; 2] = [
    Shape { scheduling: "thread-per-core", workers: WORKERS },
    Shape { scheduling: "work-stealing", workers: WORKERS },
];

/// What asks.
#[derive(Clone, Copy)]
enum Load {
    /// So many connections with so many streams each.
    Http2(usize, usize),
    /// So many connections.
    Http1(usize),
}

impl Load {
    fn word(self) -> String {
        match self {
            Self::Http2(connections, streams) => format!("{connections} HTTP/2 connections x {streams} streams"),
            Self::Http1(connections) => format!("{connections} HTTP/1.1 connections"),
        }
    }

    async fn run(self, request: &Request, length: Duration) -> anyhow::Result<Run> {
        match self {
            Self::Http2(connections, streams) => over_http2(request, (connections, streams), length).await,
            Self::Http1(connections) => load::closed(&vec![request.clone(); connections], length).await,
        }
    }
}

/// Measures both kinds of load.
pub async fn measure(flags: &Flags) -> anyhow::Result<()> {
    let gateways = Gateways::start(flags, &SHAPES, upstream::Tools(0)).await?;
    println!(
        "tools/call of 2026-07-28 by {WORKERS} workers, closed loop; median of {} runs of {} s in turns, new connections each\n",
        flags.runs, flags.seconds
    );
    println!("| load | scheduling | calls/s (least of a run) | x | us/call | x | p50 / p99 us |");
    println!("|---|---|---|---|---|---|---|");
    for load in [Load::Http2(3, 64), Load::Http1(200)] {
        compare(flags, &gateways, load).await?;
    }
    println!();
    Ok(())
}

async fn compare(flags: &Flags, gateways: &Gateways, load: Load) -> anyhow::Result<()> {
    let length = Duration::from_secs_f64(flags.seconds);
    let token = gateways.stage.issuer.token(0)?;
    let mut sides = Vec::new();
    for gateway in &gateways.gateways {
        let request = call::call(gateway.address, Era::Modern, Some(&token)).await?;
        load.run(&request, length / 4).await?;
        sides.push((gateway, request, Vec::new()));
    }
    for _ in 0..flags.runs {
        for (gateway, request, runs) in &mut sides {
            runs.push(timed(gateway, load, request, length).await?);
        }
    }
    let first = sides.first().map(|(_, _, runs)| runs.clone()).unwrap_or_default();
    for (shape, (_, _, runs)) in SHAPES.iter().zip(&sides) {
        row(&load.word(), shape.scheduling, runs, &first);
    }
    Ok(())
}

async fn timed(gateway: &Proxy, load: Load, request: &Request, length: Duration) -> anyhow::Result<Run> {
    let before = machine::cpu(gateway.pid)?;
    let mut run = load.run(request, length).await?;
    run.cpu = machine::cpu(gateway.pid)?.since(before);
    Ok(run)
}

/// One row, beside the runs of the first shape.
fn row(load: &str, scheduling: &str, runs: &[Run], first: &[Run]) {
    let each = |of: &dyn Fn(&Run) -> f64| median(&mut runs.iter().map(of).collect::<Vec<_>>());
    let ratio = |of: &dyn Fn(&Run) -> f64| {
        median(&mut runs.iter().zip(first).map(|(run, first)| of(run) / of(first)).collect::<Vec<_>>())
    };
    println!(
        "| {load} | {scheduling} | {:.0} ({:.0}) | {:.2} | {:.1} | {:.2} | {:.0} / {:.0} |",
        each(&Run::rate),
        runs.iter().map(Run::rate).fold(f64::INFINITY, f64::min),
        ratio(&Run::rate),
        each(&Run::cpu_us),
        ratio(&Run::cpu_us),
        each(&|run| run.latency_us(0.5)),
        each(&|run| run.latency_us(0.99)),
    );
}

async fn over_http2(
    request: &Request,
    (connections, streams): (usize, usize),
    length: Duration,
) -> anyhow::Result<Run> {
    let request = http2_request(request)?;
    let mut senders = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(request.0).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        senders.push(sender);
    }
    let started = Instant::now();
    let mut loops = Vec::new();
    for sender in &senders {
        for _ in 0..streams {
            loops.push(tokio::spawn(one_stream(sender.clone(), request.1.clone(), started + length)));
        }
    }
    let mut latencies = Vec::new();
    for handle in loops {
        latencies.extend(handle.await??);
    }
    Ok(Run::new(connections * streams, started.elapsed(), latencies))
}

type Http2Request = http::Request<Full<Bytes>>;

/// The same request for HTTP/2: its lines are read again.
fn http2_request(request: &Request) -> anyhow::Result<(std::net::SocketAddr, Http2Request)> {
    let text = std::str::from_utf8(&request.bytes)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut built = http::Request::post(format!("http://{}/mcp", request.address));
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        // HTTP/2 has the host in the URL, and lengths in frames.
        if !["Host", "Content-Length"].contains(&name) {
            built = built.header(name, value);
        }
    }
    Ok((request.address, built.body(Full::from(body.to_owned()))?))
}

async fn one_stream(
    mut sender: SendRequest<Full<Bytes>>,
    request: Http2Request,
    end: Instant,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::with_capacity(1 << 14);
    while Instant::now() < end {
        let sent = Instant::now();
        sender.ready().await?;
        let response = sender.send_request(request.clone()).await?;
        ensure!(response.status() == 200, "{}", response.status());
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(body.windows(13).any(|window| window == b"\"echoed\":true"), "not our answer");
        latencies.push(load::micros(sent.elapsed()));
    }
    Ok(latencies)
}
