//! Edits of distinct objects, each from the moment before its request is sent to the last gateway's acknowledgement.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::ensure;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Client,
    api::{Patch, PatchParams},
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

use super::{
    acknowledged::{Log, between, now},
    objects,
};

/// Longest wait for acknowledgements.
const PATIENCE: Duration = Duration::from_secs(60);

/// How edits follow each other.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Each when the one before is acknowledged.
    OneByOne,
    /// So many in a second, whatever becomes of them.
    EachSecond(u32),
}

/// Edits so many objects, routes and servers in turn, and says how long it took.
pub async fn run(
    client: &Client,
    log: &mut Log,
    pace: Pace,
    edits: Range<usize>,
    objects: usize,
) -> anyhow::Result<String> {
    ensure!(edits.end <= 2 * objects, "more edits than objects");
    log.lines()?;
    let mut sent: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut times = Vec::new();
    let mut under_way = JoinSet::new();
    let mut tick = tokio::time::interval(match pace {
        Pace::OneByOne => Duration::from_millis(1),
        Pace::EachSecond(rate) => Duration::from_secs(1) / rate,
    });
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for edit in edits {
        tick.tick().await;
        let (kind, number) = if edit % 2 == 0 { ("McpRoute", edit / 2) } else { ("McpServer", edit / 2) };
        let object = format!("{kind} {}/{}", objects::namespace(number), objects::name(number));
        sent.insert(object, now());
        let api = objects::api(client, kind, number);
        under_way.spawn(async move {
            let patch = Patch::Merge(objects::edit(kind, number));
            api.patch(&objects::name(number), &PatchParams::default(), &patch).await
        });
        if matches!(pace, Pace::OneByOne) {
            settle(log, &mut sent, &mut times).await?;
        }
    }
    settle(log, &mut sent, &mut times).await?;
    while let Some(edited) = under_way.join_next().await {
        edited??;
    }
    Ok(summary(times))
}

/// Waits until all that was sent is acknowledged.
async fn settle(
    log: &mut Log,
    sent: &mut BTreeMap<String, Timestamp>,
    times: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        for line in log.lines()?.into_iter().filter(|line| line.text.contains("in force everywhere")) {
            let object = line.text.split_once("object=").map(|(_, object)| object.trim());
            if let Some(at) = object.and_then(|object| sent.remove(object)) {
                times.push(between(at, line.at));
            }
        }
        if sent.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not acknowledged: {:?}", sent.keys().next());
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

fn summary(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at =
        |share: f64| times.get((times.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or_default();
    let shown = |share| format!("{:.0}", at(share).as_secs_f64() * 1000.0);
    format!("p50 {} ms, p99 {} ms, longest {} ms ({} edits)", shown(0.5), shown(0.99), shown(1.0), times.len())
}
