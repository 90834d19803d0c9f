use super::*;

#[test]
fn a_gateway_that_reconnects_counts_once_and_its_old_stream_ends_without_a_trace() {
    let mut gateways = Gateways::default();
    let old = gateways.connect("a");
    let new = gateways.connect("a");
    assert_eq!(gateways.len(), 1);
    assert!(!gateways.disconnect(old));
    assert_eq!(gateways.len(), 1);
    assert!(gateways.disconnect(new));
    assert_eq!(gateways.acknowledged(), None);
}

#[test]
fn a_stream_that_arrives_after_its_gateway_has_opened_another_takes_nothing_away_when_it_ends() {
    let mut gateways = Gateways::default();
    let live = gateways.connect("a");
    let given_up = gateways.connect("a");
    gateways.get_mut(live).unwrap().acked = 7;
    assert_eq!(gateways.acknowledged(), Some(0), "nobody knows yet which of them is given up");
    assert!(gateways.disconnect(given_up));
    assert_eq!((gateways.len(), gateways.acknowledged()), (1, Some(7)));
}

#[test]
fn the_slowest_gateway_decides_what_is_acknowledged() {
    let mut gateways = Gateways::default();
    for (name, acked) in [("a", 7), ("b", 3)] {
        let id = gateways.connect(name);
        gateways.get_mut(id).unwrap().acked = acked;
    }
    assert_eq!(gateways.acknowledged(), Some(3));
}

#[test]
fn a_draining_gateway_takes_no_work() {
    let mut gateways = Gateways::default();
    gateways.connect("a");
    let id = gateways.connect("b");
    gateways.get_mut(id).unwrap().draining = true;
    assert_eq!(gateways.serving(), BTreeSet::from(["a".to_owned()]));
}
