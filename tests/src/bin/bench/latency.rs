//! Latency in an open loop: calls begin when their time has come, whether or not earlier ones have been answered, so that a proxy that
//! stalls is charged for everything that waits meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::oneshot;

use super::call::{Era, call};
use super::load::{self, Request, Run};
use super::paired::median;
use super::proxies::Rig;
use super::{Flags, upstream};

/// Connections of the loop.
const CONNECTIONS: usize = 64;
/// Longest wait for a connection to be free: something is wrong then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures both eras at half of what nginx can do at most; the worst ratio.
pub async fn measure(flags: &Flags) -> anyhow::Result<f64> {
    let mut worst: f64 = 0.0;
    let rig = Rig::start(flags, 2, upstream::Tools(0)).await?;
    let length = Duration::from_secs_f64(flags.seconds);
    println!(
        "latency of tools/call, open loop on {CONNECTIONS} connections at half of nginx's peak; median of {} runs of {} s\n",
        flags.runs, flags.seconds
    );
    println!("| | calls/s | nginx p50 / p99 us | portolan p50 / p99 us | p99 x nginx |");
    println!("|---|---|---|---|---|");
    for era in Era::ALL {
        let theirs = call(rig.nginx.address, era, None).await?;
        let ours = call(rig.gateway.address, era, Some(&rig.issuer.token(0)?)).await?;
        let rate = load::closed(&vec![theirs.clone(); CONNECTIONS], length).await?.rate() / 2.0;
        let (mut their_runs, mut our_runs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..flags.runs {
            let nginx = open(&theirs, rate, length).await?;
            let portolan = open(&ours, rate, length).await?;
            ratios.push(portolan.latency_us(0.99) / nginx.latency_us(0.99));
            their_runs.push(nginx);
            our_runs.push(portolan);
        }
        let ratio = median(&mut ratios);
        worst = worst.max(ratio);
        let at = |runs: &[Run], share| median(&mut runs.iter().map(|run| run.latency_us(share)).collect::<Vec<_>>());
        println!(
            "| {} | {rate:.0} | {:.0} / {:.0} | {:.0} / {:.0} | **{ratio:.2}** |",
            era.word(),
            at(&their_runs, 0.5),
            at(&their_runs, 0.99),
            at(&our_runs, 0.5),
            at(&our_runs, 0.99),
        );
    }
    println!();
    Ok(worst)
}

/// A connection as its reader and the pacing thread share it.
struct Lane {
    write: OwnedWriteHalf,
    /// When the call under way was due, nanoseconds since the start.
    due: Arc<AtomicU64>,
}

async fn open(request: &Request, rate: f64, length: Duration) -> anyhow::Result<Run> {
    let started = Instant::now();
    let (idle, free) = channel();
    let (mut lanes, mut readers) = (Vec::new(), Vec::new());
    for number in 0..CONNECTIONS {
        let stream = TcpStream::connect(request.address).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let due = Arc::new(AtomicU64::new(0));
        lanes.push(Lane { write, due: Arc::clone(&due) });
        idle.send(number)?;
        readers.push(tokio::spawn(answers(read, request.clone(), (due, started), (number, idle.clone()))));
    }
    drop(idle);
    let calls = (rate * length.as_secs_f64()) as u64;
    let (done, paced) = oneshot::channel();
    let bytes = Arc::clone(&request.bytes);
    // A thread of its own: the runtime's timers tell milliseconds apart, and a call is due every few tens of microseconds.
    thread::spawn(move || done.send(pace(lanes, &free, &bytes, (started, rate, calls))));
    let written = paced.await?;
    written?;
    let mut latencies = Vec::new();
    for reader in readers {
        latencies.extend(reader.await??);
    }
    Ok(Run::new(CONNECTIONS, started.elapsed(), latencies))
}

/// Sends each call when it is due, on whichever connection is free; closes them at the end.
fn pace(
    lanes: Vec<Lane>,
    free: &Receiver<usize>,
    bytes: &[u8],
    (started, rate, calls): (Instant, f64, u64),
) -> anyhow::Result<()> {
    for call in 0..calls {
        let due = Duration::from_secs_f64(call as f64 / rate);
        while let Some(early) = due.checked_sub(started.elapsed()).filter(|early| !early.is_zero()) {
            thread::park_timeout(early);
        }
        let lane = &lanes[free.recv_timeout(PATIENCE)?];
        lane.due.store(u64::try_from(due.as_nanos())?, Ordering::Release);
        ensure!(lane.write.try_write(bytes)? == bytes.len(), "a socket took a part of a small request");
    }
    // Whoever closes now would lose the last answers.
    for _ in &lanes {
        free.recv_timeout(PATIENCE)?;
    }
    Ok(())
}

async fn answers(
    mut read: tokio::net::tcp::OwnedReadHalf,
    request: Request,
    (due, started): (Arc<AtomicU64>, Instant),
    (number, idle): (usize, Sender<usize>),
) -> anyhow::Result<Vec<u32>> {
    let mut buffer = Vec::with_capacity(4096);
    let mut latencies = Vec::new();
    while load::read_next(&mut read, &mut buffer).await?.is_some() {
        let due = Duration::from_nanos(due.load(Ordering::Acquire));
        latencies.push(load::micros(started.elapsed().saturating_sub(due)));
        if latencies.len() == 1 {
            request.check(&buffer)?;
        }
        // The pacing thread is gone if another connection failed.
        let _ = idle.send(number);
    }
    Ok(latencies)
}
