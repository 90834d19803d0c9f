use super::*;

#[test]
fn a_gateway_that_reconnects_counts_once_and_its_old_stream_ends_without_a_trace() {
    let mut gateways = Gateways::default();
    let old = gateways.connect("a");
    let new = gateways.connect("a");
    assert_eq!(gateways.len(), 1);
    assert!(gateways.get_mut(old).is_none());
    assert!(!gateways.disconnect(old));
    assert_eq!(gateways.len(), 1);
    assert!(gateways.disconnect(new));
    assert_eq!(gateways.acknowledged(), None);
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
