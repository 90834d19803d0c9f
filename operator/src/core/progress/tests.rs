use super::*;

fn gateway(name: &str, acked: u64) -> Gateway {
    Gateway { name: name.into(), acked, ..Gateway::default() }
}

fn count(gateways: &[Gateway], ought: usize, needed: u64) -> Reached {
    Reached::count(gateways.iter(), ought, needed, |_| None)
}

#[test]
fn an_edit_is_everywhere_when_every_pod_has_acknowledged_its_sequence() {
    let gateways = [gateway("a", 5), gateway("b", 4)];
    assert!(!count(&gateways, 2, 5).everywhere());
    assert!(count(&gateways, 2, 4).everywhere());
}

#[test]
fn a_pod_that_ought_to_serve_and_is_not_connected_is_missing() {
    let reached = count(&[gateway("a", 5)], 2, 5);
    assert_eq!((reached.acknowledged, reached.total, reached.everywhere()), (1, 2, false));
}

#[test]
fn without_pods_nothing_is_everywhere() {
    assert!(!count(&[], 0, 1).everywhere());
}

#[test]
fn a_rejection_is_told_with_the_gateway_and_its_reason() {
    let gateways = [gateway("a", 5), gateway("b", 5)];
    let reached = Reached::count(gateways.iter(), 2, 5, |gateway| (gateway.name == "b").then(|| "bad rule".to_owned()));
    assert_eq!(reached.acknowledged, 1);
    assert_eq!(reached.rejected, Some(("b".into(), "bad rule".into())));
}

#[test]
fn propagation_counts_from_the_first_of_gathered_edits_to_the_last_acknowledgement() {
    let mut progress = Progress::default();
    progress.edited(1000);
    progress.edited(1030);
    progress.advance(count(&[gateway("a", 1)], 2, 1), 1060);
    assert!(progress.is_open());
    progress.advance(count(&[gateway("a", 1), gateway("b", 1)], 2, 1), 1090);
    assert_eq!(progress.reached.propagation, Some(90));
    assert!(!progress.is_open());
}

#[test]
fn a_gateway_that_comes_later_changes_no_propagation_time() {
    let mut progress = Progress::default();
    progress.edited(0);
    progress.advance(count(&[gateway("a", 1)], 1, 1), 40);
    progress.reopen();
    assert!(progress.is_open());
    progress.advance(count(&[gateway("b", 9)], 1, 1), 9000);
    assert_eq!(progress.reached.propagation, Some(40));
}

#[test]
fn an_edit_after_a_publication_is_a_new_one() {
    let mut progress = Progress::default();
    progress.edited(0);
    progress.published(1);
    progress.advance(count(&[gateway("a", 1)], 1, 1), 40);
    progress.edited(1000);
    assert_eq!((progress.needed(), progress.is_open()), (None, true));
    progress.published(2);
    progress.advance(count(&[gateway("a", 2)], 1, 2), 1060);
    assert_eq!(progress.reached.propagation, Some(60));
}

#[test]
fn a_count_that_does_not_become_complete_is_told_after_a_while() {
    let mut progress = Progress::default();
    progress.edited(0);
    progress.published(1);
    progress.advance(count(&[gateway("a", 1)], 2, 1), 40);
    assert_eq!([500, 5000, 10_499].map(|now| progress.tick(now)), [false; 3]);
    assert!(progress.is_settling());
    assert!(progress.tick(10_500), "ten seconds after it was first seen");
    assert!(!progress.is_settling() && !progress.tick(10_501), "once");
    progress.edited(11_000);
    assert!(progress.is_settling());
}
