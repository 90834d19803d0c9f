//! Chaos with a ledger: a fleet with everything that belongs to it, a seeded schedule of faults, a thousand edits a minute, and clients that call
//! all the time. Every call is in three ledgers, which are joined when all is over; `docs/chaos.md` has the claims.
//!
//! `schedule`, `ledger` and `claims` are pure; the rest does things to real processes.

pub mod claims;
pub mod clients;
pub mod disk;
pub mod edits;
pub mod faults;
pub mod ledger;
pub mod recovery;
pub mod report;
pub mod scene;
pub mod schedule;
pub mod servers;
pub mod stream;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    claims::Claim,
    edits::{Made, edit_all_the_time},
    faults::Hand,
    report::Report,
    scene::Scene,
};

/// Calls that succeed in a second of a run, at least: fewer, and the claims would be about nothing.
const CALLS: f64 = 2.0;

/// A run that is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What the schedule is made of.
    pub seed: u64,
    /// How long faults go on.
    pub length: Duration,
    /// Whether disks may be mounted.
    pub mount: bool,
}

/// Carries a plan out. What the processes wrote is kept if a claim fails, or nothing can be claimed.
///
/// # Errors
/// The harness is at fault: the error says where the logs are.
pub async fn run(plan: Plan) -> anyhow::Result<Report> {
    let logs =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/chaos/{}-{}", plan.seed, std::process::id()));
    fs::create_dir_all(&logs)?;
    let logs = logs.canonicalize()?;
    let mut report = carry_out(plan, &logs)
        .await
        .with_context(|| format!("chaos with seed {}: logs are in {}", plan.seed, logs.display()))?;
    if report.holds() {
        fs::remove_dir_all(&logs)?;
    } else {
        let calls: Vec<String> = report.ledgers.calls.iter().map(ToString::to_string).collect();
        let faults: Vec<String> = report.ledgers.faults.iter().map(|fault| format!("{fault:?}")).collect();
        fs::write(logs.join("calls"), calls.join("\n"))?;
        fs::write(logs.join("faults"), faults.join("\n"))?;
        report.logs = Some(logs.clone());
        fs::write(logs.join("report"), report.to_string())?;
    }
    Ok(report)
}

async fn carry_out(plan: Plan, logs: &Path) -> anyhow::Result<Report> {
    let scene = Scene::new(logs, plan.mount).await?;
    let (stop, hand) = (CancellationToken::new(), Hand::default());
    let mut working = JoinSet::new();
    for client in scene.clients(plan.seed) {
        working.spawn(client.work(stop.clone()));
    }
    let began = Instant::now();
    let faults = schedule::schedule(plan.seed, plan.length);
    let harm = async {
        let done = hand.carry_out(&scene, &faults).await;
        stop.cancel();
        done.map(|()| Instant::now())
    };
    let (over, edits) = tokio::join!(harm, edit_all_the_time(&scene.tenants, plan.seed, &stop));
    let over = over?;
    let edited_for = over.duration_since(began);
    let recovered = recovery::recovery(&scene, over).await?;
    while let Some(client) = working.join_next().await {
        client?;
    }
    settled(&scene).await?;
    let mut ledgers = scene.ledgers().await?;
    ledgers.faults = hand.happened();
    let mut claims = claims::claims(&ledgers);
    claims.push(nobody_ends_unasked(&hand));
    claims.extend(recovered);
    claims.push(there_was_something_to_claim(&ledgers, edits, edited_for));
    keep_audit_logs(&scene, logs).await?;
    Ok(Report { seed: plan.seed, length: plan.length, ledgers, edits, edited_for, claims, logs: None })
}

/// Waits until every gateway has written what it has to write: it is asked to stop, which ends its log.
async fn settled(scene: &Scene) -> anyhow::Result<()> {
    let mut fleet = scene.fleet.lock().await;
    for gateway in &mut fleet.gateways {
        let running = gateway.running();
        running.process.terminate()?;
        running.process.terminate()?;
    }
    for gateway in &mut fleet.gateways {
        if let Some(mut running) = gateway.running.take() {
            running.process.ended().await;
        }
    }
    Ok(())
}

async fn keep_audit_logs(scene: &Scene, logs: &Path) -> anyhow::Result<()> {
    let fleet = scene.fleet.lock().await;
    for gateway in 0..fleet.gateways.len() {
        let log: PathBuf = fleet.audit_log(gateway);
        fs::copy(&log, logs.join(format!("gateway-{gateway}.audit")))?;
    }
    Ok(())
}

fn nobody_ends_unasked(hand: &Hand) -> Claim {
    let offences = hand.findings();
    let what = "no process ends unasked, and whoever is started gets ready";
    Claim { what, figure: format!("{} findings", offences.len()), offences }
}

/// A run in which hardly anything was called or edited shows nothing.
fn there_was_something_to_claim(ledgers: &ledger::Ledgers, edits: Made, time: Duration) -> Claim {
    let successes = ledgers.calls.iter().filter(|call| call.outcome == ledger::Outcome::Success).count();
    let wanted = (time.as_secs_f64() * CALLS) as usize;
    let mut offences = Vec::new();
    if successes < wanted {
        offences.push(format!("{successes} calls succeeded, of {wanted} that should at least"));
    }
    if edits.stored < wanted {
        offences.push(format!("{} edits were stored, of {wanted} that should at least", edits.stored));
    }
    let figure = format!("{successes} successes and {} edits in {time:.1?}", edits.stored);
    Claim { what: "the run had something to show", figure, offences }
}
