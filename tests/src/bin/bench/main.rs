//! What the gateway costs beside nginx, in one run on one machine: CPU per call, lists, latency, and instructions, which are free of noise.
//!
//! Only ratios count: a machine drifts by a fifth within minutes, so every run of the gateway stands between two of nginx. It measures
//! processes from outside and knows nothing of what is inside them.

#![allow(clippy::print_stdout, reason = "the tables are what it is for")]

mod alone;
mod call;
mod fleet;
mod instructions;
mod latency;
mod lists;
mod load;
mod machine;
mod manifests;
mod paired;
mod proxies;
mod rehearsal;
mod scheduling;
mod stage;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Flags of the benchmark.
#[derive(Parser)]
struct Flags {
    /// What to measure
    #[arg(default_values = ["cpu", "lists", "latency"])]
    measures: Vec<Measure>,
    /// The built `portolan` program
    #[arg(long, default_value = "target/release/portolan")]
    portolan: PathBuf,
    /// The built `portolan-gateway` program, if it is not beside it
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// The `nginx` program
    #[arg(long, default_value = "nginx")]
    nginx: PathBuf,
    /// Connections of the closed loop
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Seconds of one run
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Runs of each; the median is printed
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Servers of the fleet, and as many routes
    #[arg(long, value_delimiter = ',', default_values_t = [1000])]
    objects: Vec<usize>,
    /// Edits of the fleet's objects in each run
    #[arg(long, default_value_t = 500)]
    edits: usize,
    /// Write audit lines to a file
    #[arg(long)]
    audit: bool,
    /// Fail when a ratio is above this
    #[arg(long)]
    at_most: Option<f64>,
    /// The built program with the phases that decide
    #[arg(long)]
    phases: Option<PathBuf>,
    /// Instruction counts to compare with
    #[arg(long, default_value = "tests/fixtures/instructions.json")]
    baseline: PathBuf,
    /// Keep callgrind's file of the gateway's longest run in this folder, for `callgrind_annotate`
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Write the counts there instead
    #[arg(long)]
    write_baseline: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// CPU per `tools/call` beside `proxy_pass`
    Cpu,
    /// CPU per `tools/list` beside the same bytes from a file
    Lists,
    /// Latency in an open loop at half of nginx's peak
    Latency,
    /// Thread-per-core beside work stealing, two workers each
    Scheduling,
    /// User instructions by callgrind, beside a baseline
    Instructions,
    /// Nothing: calls and lists for a program that counts what runs, which then is asked to end
    Rehearsal,
    /// A gateway's start with no operator, to its first answered call
    Alone,
    /// Edits, memory and starts of an operator and three gateways with many servers and routes
    Fleet,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    println!("{}", machine::describe());
    println!("{}\n", std::env::args().collect::<Vec<_>>().join(" "));
    let mut good = true;
    for measure in &flags.measures {
        good &= match measure {
            Measure::Cpu => within(&flags, call::measure(&flags).await?),
            Measure::Lists => within(&flags, lists::measure(&flags).await?),
            Measure::Latency => within(&flags, latency::measure(&flags).await?),
            Measure::Scheduling => scheduling::measure(&flags).await.map(|()| true)?,
            Measure::Instructions => instructions::measure(&flags).await?,
            Measure::Rehearsal => rehearsal::run(&flags).await.map(|()| true)?,
            Measure::Alone => {
                alone::measure(&flags).await?;
                true
            }
            Measure::Fleet => fleet::measure(&flags).await?,
        };
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn within(flags: &Flags, ratio: f64) -> bool {
    let above = flags.at_most.filter(|bound| ratio > *bound);
    if let Some(bound) = above {
        println!("a ratio of {ratio:.2} is above the bound of {bound}\n");
    }
    above.is_none()
}
