//! Two proxies in turns, and the rows that say how they compare.

use std::time::Duration;

use super::load::{self, Request, Run};
use super::proxies::Proxy;
use super::{Flags, machine};

/// One of the two that are compared.
pub struct Side<'a> {
    /// The proxy.
    pub proxy: &'a Proxy,
    /// What each connection asks it.
    pub requests: Vec<Request>,
}

impl Side<'_> {
    async fn run(&self, length: Duration) -> anyhow::Result<Run> {
        let before = machine::cpu(self.proxy.pid)?;
        let mut run = load::closed(&self.requests, length).await?;
        run.cpu = machine::cpu(self.proxy.pid)?.since(before);
        Ok(run)
    }
}

/// The heads of the columns.
pub fn title(flags: &Flags, title: &str) {
    println!("{title}; median of {} runs of {} s\n", flags.runs, flags.seconds);
    println!("| | conns | proxy | us/call (best / median) | user + kernel us | calls/s | p50 / p99 us | x nginx |");
    println!("|---|---|---|---|---|---|---|---|");
}

/// Runs both in turns and prints their rows; returns the median ratio.
pub async fn compare(flags: &Flags, name: &str, theirs: &Side<'_>, ours: &Side<'_>) -> anyhow::Result<f64> {
    let length = Duration::from_secs_f64(flags.seconds);
    // A first run of each warms connections and caches.
    theirs.run(length / 4).await?;
    ours.run(length / 4).await?;
    let (mut their_runs, mut our_runs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = theirs.run(length).await?;
    for _ in 0..flags.runs {
        let run = ours.run(length).await?;
        let after = theirs.run(length).await?;
        ratios.push(run.cpu_us() / f64::midpoint(before.cpu_us(), after.cpu_us()));
        our_runs.push(run);
        their_runs.push(std::mem::replace(&mut before, after));
    }
    let ratio = median(&mut ratios);
    row(name, "nginx", &their_runs, None);
    row(name, "portolan", &our_runs, Some(ratio));
    Ok(ratio)
}

/// The middle of the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn row(name: &str, proxy: &str, runs: &[Run], ratio: Option<f64>) {
    let each = |of: &dyn Fn(&Run) -> f64| median(&mut runs.iter().map(of).collect::<Vec<_>>());
    let best = runs.iter().map(Run::cpu_us).fold(f64::INFINITY, f64::min);
    let ratio = ratio.map_or_else(|| "1".to_owned(), |ratio| format!("**{ratio:.2}**"));
    println!(
        "| {name} | {} | {proxy} | {best:.1} / {:.1} | {:.1} + {:.1} | {:.0} | {:.0} / {:.0} | {ratio} |",
        runs.first().map_or(0, |run| run.connections),
        each(&Run::cpu_us),
        each(&|run| run.cpu.user_us / run.calls() as f64),
        each(&|run| run.cpu.kernel_us / run.calls() as f64),
        each(&Run::rate),
        each(&|run| run.latency_us(0.5)),
        each(&|run| run.latency_us(0.99)),
    );
}
