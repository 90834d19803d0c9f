//! A fleet at scale: one operator and three gateways, a real API server, and many servers and routes.
//!
//! From the request to the API server to the operator's word that the last gateway has acknowledged; memory; starts; status writes.
//! It sees the processes from outside: their logs' own times, their metrics, and what the kernel says of them.

mod acknowledged;
mod edits;
mod objects;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use portolan_tests::{cluster::Cluster, fleet::Fleet};

use self::{acknowledged::Log, edits::Pace};
use super::{Flags, machine, upstream};

/// Gateways of the fleet.
const GATEWAYS: usize = 3;

/// Longest wait for a fleet to have told everything of everything.
const PATIENCE: Duration = Duration::from_secs(900);

/// Nothing is written for so long: then it is quiet.
const QUIET: Duration = Duration::from_secs(3);

/// Edits under load in a second.
const RATE: u32 = 50;

/// What the operator says of its status writes.
const WRITES: &str = r#"portolan_operator_status_writes_total{outcome="written"}"#;

/// Measures every size that was asked for.
pub async fn measure(flags: &Flags) -> anyhow::Result<bool> {
    for objects in &flags.objects {
        one(*objects, flags.edits).await?;
    }
    Ok(true)
}

async fn one(count: usize, edits: usize) -> anyhow::Result<()> {
    println!("### {count} servers and {count} routes, 1 operator, {GATEWAYS} gateways\n");
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::prepared(&cluster, 1, GATEWAYS).await?;
    fleet.operator_log = "info,portolan_operator::core=debug".to_owned();
    let client = cluster.client().await?;
    let began = Instant::now();
    objects::create(&client, count, upstream::start(upstream::Tools(2)).await?).await?;
    row("objects created by the API server", &seconds(began.elapsed()));

    let began = acknowledged::now();
    fleet.start_operator(0).await?;
    let mut log = Log::of(&fleet.operators[0].running().process);
    row("operator: start to its first step", &seconds(log.until(began, "first step").await?));
    for number in 0..GATEWAYS {
        let began = acknowledged::now();
        fleet.start_gateway(number).await?;
        let mut log = Log::of(&fleet.gateways[number].running().process);
        row(
            &format!("gateway {number}: start to its first step in force"),
            &seconds(log.until(began, "step in force").await?),
        );
    }
    let began = Instant::now();
    quiet(&fleet).await?;
    row("until every status is written", &seconds(began.elapsed().saturating_sub(QUIET)));
    memory(&fleet)?;

    let written = fleet.operator_metric(WRITES).await?;
    let idle = edits::run(&client, &mut log, Pace::OneByOne, 0..edits, count).await?;
    row("edit to last acknowledgement, one after the other", &idle);
    quiet(&fleet).await?;
    let each = (fleet.operator_metric(WRITES).await? - written) / edits as f64;
    row("status writes for one edit", &format!("{each:.2}"));
    let rate = Pace::EachSecond(RATE);
    let loaded = edits::run(&client, &mut log, rate, edits..2 * edits, count).await?;
    row(&format!("edit to last acknowledgement, {RATE} a second"), &loaded);
    quiet(&fleet).await?;
    memory(&fleet)?;

    joining(&mut fleet).await?;
    restart(&mut fleet).await
}

/// What a gateway that joins costs.
async fn joining(fleet: &mut Fleet) -> anyhow::Result<()> {
    let written = fleet.operator_metric(WRITES).await?;
    fleet.add_gateway().await?;
    quiet(fleet).await?;
    row("status writes for a gateway that joins", &format!("{:.0}", fleet.operator_metric(WRITES).await? - written));
    Ok(())
}

/// An operator that starts while its gateways run: from its start to the first step that it has pushed, in force everywhere.
async fn restart(fleet: &mut Fleet) -> anyhow::Result<()> {
    fleet.operators[0].stop().await?;
    let mut logs: Vec<Log> = fleet.gateways.iter().map(|gateway| Log::of(&gateway.running().process)).collect();
    let began = acknowledged::now();
    fleet.start_operator(0).await?;
    let mut log = Log::of(&fleet.operators[0].running().process);
    row("operator: start again to its first step", &seconds(log.until(began, "first step").await?));
    let mut last = Duration::ZERO;
    for log in &mut logs {
        last = last.max(log.until(began, "step in force").await?);
    }
    row("operator: start again to the last gateway's first step", &seconds(last));
    memory(fleet)
}

/// Waits until no status is written any more.
async fn quiet(fleet: &Fleet) -> anyhow::Result<()> {
    let (began, mut since, mut last) = (Instant::now(), Instant::now(), -1.0);
    while since.elapsed() < QUIET {
        anyhow::ensure!(began.elapsed() < PATIENCE, "statuses are written without end");
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = fleet.operator_metric(WRITES).await?;
        if now > last {
            (since, last) = (Instant::now(), now);
        }
    }
    Ok(())
}

fn memory(fleet: &Fleet) -> anyhow::Result<()> {
    let operator = machine::memory(fleet.operators[0].running().process.id())?;
    row("memory of the operator, now and at most", &operator);
    let gateways = fleet.gateways.iter().map(|gateway| machine::memory(gateway.running().process.id()));
    let gateways: Vec<String> = gateways.collect::<Result<_, _>>().context("a gateway is gone")?;
    row("memory of the gateways, now and at most", &gateways.join("; "));
    Ok(())
}

fn row(what: &str, value: &str) {
    println!("| {what} | {value} |");
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
