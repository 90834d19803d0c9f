use std::collections::HashSet;

use super::*;

const SHORT: Duration = Duration::from_secs(25);

#[test]
fn a_seed_is_one_schedule_and_another_seed_is_another() {
    assert_eq!(schedule(7, SHORT), schedule(7, SHORT));
    assert_ne!(schedule(7, SHORT), schedule(8, SHORT));
}

#[test]
fn every_fault_ends_before_the_end_and_nobody_suffers_two_of_a_kind_at_once() {
    for seed in 0..200 {
        let faults = schedule(seed, SHORT);
        assert!(faults.len() >= 10, "seed {seed}: only {} faults", faults.len());
        for (number, fault) in faults.iter().enumerate() {
            assert!(fault.at + fault.lasts <= SHORT, "seed {seed}: {fault:?}");
            let clash = faults[number + 1..]
                .iter()
                .find(|later| same_lane(fault.what, later.what) && later.at < fault.at + fault.lasts);
            assert_eq!(clash, None, "seed {seed}: during {fault:?}");
        }
    }
}

fn same_lane(one: What, other: What) -> bool {
    match (one, other) {
        (What::Operator(one, _), What::Operator(other, _))
        | (What::Gateway(one, _), What::Gateway(other, _))
        | (What::Stream(one, _), What::Stream(other, _))
        | (What::Disk(one, _), What::Disk(other, _))
        | (What::Server(one, _), What::Server(other, _)) => one == other,
        (What::Cluster(_), What::Cluster(_)) => true,
        _ => false,
    }
}

#[test]
fn ten_minutes_hold_every_fault_there_is() {
    let every: HashSet<What> = lanes().into_iter().flatten().map(|(what, _)| what).collect();
    for seed in [1, 2, 3] {
        let happen: HashSet<What> = schedule(seed, Duration::from_mins(10)).iter().map(|fault| fault.what).collect();
        assert_eq!(happen, every);
    }
}
