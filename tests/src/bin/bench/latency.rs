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
use super::proxies::Proxy;
use super::stage::Rig;
use super::{Flags, machine, upstream};

/// Connections of the loop.
const CONNECTIONS: usize = 64;
/// Longest wait for a connection to be free: something is wrong then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who runs where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cores {
    /// The proxies have the first core, the load and the servers the others: what is measured is a proxy.
    Apart,
    /// Everybody runs everywhere: what is measured is a proxy, and how long the kernel lets it wait for a core that others use.
    Shared,
}

impl Cores {
    const ALL: [Self; 2] = [Self::Apart, Self::Shared];

    fn word(self) -> &'static str {
        if self == Self::Apart { "a core of its own" } else { "shared cores" }
    }

    fn assign(self, rig: &Rig) -> anyhow::Result<()> {
        let all = machine::cores();
        let (proxies, others) = match self {
            Self::Apart => ("0".to_owned(), format!("1-{}", all - 1)),
            Self::Shared => (format!("0-{}", all - 1), format!("0-{}", all - 1)),
        };
        machine::pin(rig.gateway.pid, &proxies)?;
        machine::pin(rig.nginx.pid, &proxies)?;
        machine::pin(std::process::id(), &others)
    }
}

/// Measures both eras at half of what nginx can do at most; the worst ratio.
pub async fn measure(flags: &Flags) -> anyhow::Result<f64> {
    let mut worst: f64 = 0.0;
    let rig = Rig::start(flags, 2, upstream::Tools(0)).await?;
    println!(
        "latency of tools/call, open loop on {CONNECTIONS} connections at half of nginx's peak; median of {} runs of {} s\n",
        flags.runs, flags.seconds
    );
    println!("| | cores | calls/s | proxy | p50 / p90 / p99 us | busy | waits for a core | p99 x nginx |");
    println!("|---|---|---|---|---|---|---|---|");
    for cores in Cores::ALL {
        cores.assign(&rig)?;
        for era in Era::ALL {
            worst = worst.max(compare(flags, &rig, era, cores).await?);
        }
    }
    println!();
    Ok(worst)
}

async fn compare(flags: &Flags, rig: &Rig, era: Era, cores: Cores) -> anyhow::Result<f64> {
    let length = Duration::from_secs_f64(flags.seconds);
    let theirs = call(rig.nginx.address, era, None).await?;
    let ours = call(rig.gateway.address, era, Some(&rig.stage.issuer.token(0)?)).await?;
    let rate = load::closed(&vec![theirs.clone(); CONNECTIONS], length).await?.rate() / 2.0;
    let (mut their_runs, mut our_runs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..flags.runs {
        let nginx = timed(&rig.nginx, &theirs, rate, length).await?;
        let portolan = timed(&rig.gateway, &ours, rate, length).await?;
        ratios.push(portolan.latency_us(0.99) / nginx.latency_us(0.99));
        their_runs.push(nginx);
        our_runs.push(portolan);
    }
    let ratio = median(&mut ratios);
    let name = format!("{} | {} | {rate:.0}", era.word(), cores.word());
    row(&name, "nginx", &their_runs, "1");
    row(&name, "portolan", &our_runs, &format!("**{ratio:.2}**"));
    Ok(ratio)
}

/// Shares are of one core: what the proxy used, and what it could have used in addition and did not get.
fn row(name: &str, proxy: &str, runs: &[Run], ratio: &str) {
    let each = |of: &dyn Fn(&Run) -> f64| median(&mut runs.iter().map(of).collect::<Vec<_>>());
    let at = |share| each(&|run: &Run| run.latency_us(share));
    println!(
        "| {name} | {proxy} | {:.0} / {:.0} / {:.0} | {:.0} % | {:.0} % | {ratio} |",
        at(0.5),
        at(0.9),
        at(0.99),
        each(&|run| run.cpu_us() * run.rate() / 1e4),
        each(&|run| run.cpu.waited_us / run.calls() as f64 * run.rate() / 1e4),
    );
}

async fn timed(proxy: &Proxy, request: &Request, rate: f64, length: Duration) -> anyhow::Result<Run> {
    let before = machine::cpu(proxy.pid)?;
    let mut run = open(request, rate, length).await?;
    run.cpu = machine::cpu(proxy.pid)?.since(before);
    Ok(run)
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
