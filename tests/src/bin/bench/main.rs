//! CPU per `tools/call` of the gateway beside nginx's `proxy_pass`, in one run on one machine.
//!
//! Only the ratio counts: the machine drifts by a fifth within minutes, so every run of the gateway stands between two of nginx. It measures
//! processes from outside and knows nothing of what is inside them.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod load;
mod machine;
mod manifests;
mod proxies;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use load::{Call, Era};
use proxies::Proxy;

/// Flags of the benchmark.
#[derive(Parser)]
struct Flags {
    /// The built `portolan` program.
    #[arg(long)]
    portolan: PathBuf,
    /// The `nginx` program.
    #[arg(long, default_value = "nginx")]
    nginx: PathBuf,
    /// Connections of the closed loop.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds of one run.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Runs of each; the median is printed.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Fail when a ratio is above this.
    #[arg(long)]
    at_most: Option<f64>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    let upstreams = [upstream::start().await?, upstream::start().await?];
    let folder = proxies::scratch()?;
    let token = manifests::write(&folder, upstreams)?;
    let gateway = proxies::gateway(&flags.portolan, &folder).await?;
    let nginx = proxies::nginx(&flags.nginx, &folder, upstreams[0]).await?;
    println!("{}", machine::describe());
    println!(
        "tools/call, {} connections, one worker each, {} runs of {} s\n",
        flags.connections, flags.runs, flags.seconds
    );
    println!(
        "| era | proxy | us/call (best / median) | user + kernel us | calls/s | p50 / p99 us | x nginx (median) |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut worst: f64 = 0.0;
    for era in [Era::Legacy, Era::Modern] {
        worst = worst.max(compare(&flags, era, &gateway, &nginx, &token).await?);
    }
    let failed = flags.at_most.is_some_and(|bound| worst > bound);
    if failed {
        println!("\nabove the bound of {}", flags.at_most.unwrap_or_default());
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs both in turns and prints their rows; returns the median ratio.
async fn compare(flags: &Flags, era: Era, gateway: &Proxy, nginx: &Proxy, token: &str) -> anyhow::Result<f64> {
    let direct = Call::prepare(nginx.address, era, None).await?;
    let through = Call::prepare(gateway.address, era, Some(token)).await?;
    let length = Duration::from_secs_f64(flags.seconds);
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // A first run of each warms connections and caches.
    load::run(&direct, nginx.pid, flags.connections, length / 4).await?;
    load::run(&through, gateway.pid, flags.connections, length / 4).await?;
    let mut before = load::run(&direct, nginx.pid, flags.connections, length).await?;
    for _ in 0..flags.runs {
        let run = load::run(&through, gateway.pid, flags.connections, length).await?;
        let after = load::run(&direct, nginx.pid, flags.connections, length).await?;
        ratios.push(run.cpu_us() / f64::midpoint(before.cpu_us(), after.cpu_us()));
        theirs.push(before);
        ours.push(run);
        before = after;
    }
    let ratio = load::median(&mut ratios);
    println!("{}", load::row(era, "nginx", &mut theirs, 1.0));
    println!("{}", load::row(era, "portolan", &mut ours, ratio));
    Ok(ratio)
}
