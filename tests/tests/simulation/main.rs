//! The whole control plane in one thread on virtual time: operators that share a lease, gateways that follow them, the API server and the network
//! between them, under faults and edits that one seed decides. All that decides is the product's own code; only shells are played.
//!
//! A failure names its seed. `PORTOLAN_SIMULATION=SEED` plays that schedule alone, `PORTOLAN_SIMULATION=FROM..TO` those.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail like tests")]

mod api;
mod checks;
mod faults;
mod gateways;
mod objects;
mod operators;
mod pod;
mod replica;
mod wire;
mod world;
mod writer;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portolan_dataplane::snapshot::compile::Settings;

use self::world::{Faults, World};

/// How many schedules are played where nobody says which: about half a minute on two cores, in a debug build.
const SCHEDULES: u64 = 400;

/// How long faults go on, and how soon after the last one everything is in step: the last fault goes on for twelve seconds at most, a dead stream
/// is noticed within twenty, and a write of status that failed again and again waits for thirty.
const STORM: Duration = Duration::from_secs(30);
const RECOVERY: Duration = Duration::from_secs(90);

/// How soon after a holder's death another one serves every gateway: a term, two looks, the longest pause of a gateway, and its silence.
const SUCCESSION: Duration = Duration::from_secs(15);

/// How soon a withdrawn grant is heard of everywhere when nothing else goes wrong.
const WITHDRAWAL: Duration = Duration::from_secs(2);

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("PORTOLAN_SIMULATION") else { return 0..SCHEDULES };
    let number = |text: &str| text.parse::<u64>().expect("PORTOLAN_SIMULATION is SEED or FROM..TO");
    match asked.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&asked)..number(&asked) + 1,
    }
}

/// Plays one schedule to its end.
fn play(seed: u64, settings: &Settings) -> World {
    let mut world = World::new(seed, settings.clone());
    world.run(Duration::from_secs(3), |_| false);
    world.set_storm(true);
    world.run(STORM, |_| false);
    world.set_storm(false);
    world.mend();
    let expected = checks::expected(&world);
    let converged = |world: &World| world.has_converged(&expected).is_ok();
    let in_step = world.run(RECOVERY, converged);
    assert!(in_step, "not in step after the storm: {:?}", world.has_converged(&expected));

    world.run(Duration::from_secs(2), |_| false);
    let statuses = world.api.statuses;
    world.run(Duration::from_secs(5), |_| false);
    assert_eq!(world.api.statuses, statuses, "statuses are written although nothing happens");

    let holder = world.holder().expect("somebody holds");
    world.restart_replica(holder);
    let in_step = world.run(SUCCESSION, converged);
    assert!(in_step, "not in step after the holder died: {:?}", world.has_converged(&expected));

    world.api.grant(false);
    world.announce();
    let withdrawn = world.run(WITHDRAWAL, |world| !world.serves_secret());
    assert!(withdrawn, "a Secret is served although its grant was withdrawn");
    world
}

fn add(faults: &mut Faults, more: Faults) {
    more.into_iter().for_each(|(fault, times)| *faults.entry(fault).or_default() += times);
}

/// Plays them all, one on each core at a time. Returns the faults that they had, and which of them failed.
fn play_all(seeds: Range<u64>) -> (Faults, Vec<u64>) {
    let (settings, next) = (pod::settings(), AtomicU64::new(seeds.start));
    let work = || {
        let (mut faults, mut failed) = (Faults::new(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return (faults, failed);
            }
            match catch_unwind(AssertUnwindSafe(|| play(seed, &settings))) {
                Ok(world) => add(&mut faults, world.faults),
                Err(_) => failed.push(seed),
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let played: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("failures are caught")).collect()
    });
    let (mut faults, mut failed) = (Faults::new(), Vec::new());
    for (had, these) in played {
        add(&mut faults, had);
        failed.extend(these);
    }
    failed.sort_unstable();
    (faults, failed)
}

#[test]
fn whatever_goes_wrong_gateways_keep_their_promises_and_come_back_into_step() {
    let (faults, failed) = play_all(seeds());
    assert!(failed.is_empty(), "PORTOLAN_SIMULATION=SEED plays one of them again: {failed:?}");
    assert!(faults.len() == 11 || seeds().count() < 100, "the storm is none: {faults:?}");
}

#[test]
fn a_seed_plays_the_same_schedule_again() {
    let settings = pod::settings();
    let trace = |seed| {
        let world = play(seed, &settings);
        (world.now, world.happened, world.api.statuses, world.api.history.len(), world.faults)
    };
    for seed in [2, 3] {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
}
