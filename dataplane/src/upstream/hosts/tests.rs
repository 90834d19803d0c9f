use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::{Common, Endpoint, Hosts};
use crate::upstream::host::Permit;

fn common() -> Common {
    Common { authority: "mcp.example".parse().unwrap(), http2: false, pools: 1, load: Arc::new(AtomicU32::new(0)) }
}

fn endpoints(ports: &[(u16, bool)]) -> Vec<Endpoint> {
    ports.iter().map(|(port, ready)| Endpoint { address: ([10, 0, 0, 1], *port).into(), ready: *ready }).collect()
}

#[test]
fn only_ready_endpoints_are_chosen_but_a_session_keeps_one_that_is_not() {
    let hosts = Hosts::default().follow(&endpoints(&[(1, true), (2, false), (3, true)]), &common());
    for _ in 0..100 {
        assert_ne!(hosts.pick().unwrap().name.as_ref(), "10.0.0.1:2");
    }
    assert!(hosts.named("10.0.0.1:2").is_some());
    assert!(hosts.named("10.0.0.1:4").is_none());
}

#[test]
fn of_two_endpoints_the_less_busy_one_is_chosen() {
    let hosts = Hosts::default().follow(&endpoints(&[(1, true), (2, true)]), &common());
    let busy = Permit::acquire(Arc::clone(hosts.named("10.0.0.1:1").unwrap()), 0).unwrap();
    for _ in 0..50 {
        assert_eq!(hosts.pick().unwrap().name.as_ref(), "10.0.0.1:2");
    }
    drop(busy);
    let chosen: Vec<_> = (0..200).map(|_| hosts.pick().unwrap().name.to_string()).collect();
    assert!(chosen.iter().any(|name| name.ends_with(":1")) && chosen.iter().any(|name| name.ends_with(":2")));
}

#[test]
fn an_endpoint_that_stays_is_the_same_one_with_its_connections() {
    let common = common();
    let before = Hosts::default().follow(&endpoints(&[(1, true), (2, true)]), &common);
    let after = before.follow(&endpoints(&[(2, false), (3, true)]), &common);
    assert!(Arc::ptr_eq(before.named("10.0.0.1:2").unwrap(), after.named("10.0.0.1:2").unwrap()));
    assert!(after.named("10.0.0.1:1").is_none());
}

#[test]
fn an_empty_or_unready_set_offers_nothing() {
    assert!(Hosts::default().pick().is_none());
    assert!(Hosts::default().follow(&endpoints(&[(1, false)]), &common()).pick().is_none());
}

#[test]
fn an_edit_that_changes_nothing_is_known_for_it() {
    let common = common();
    let before = Hosts::default().follow(&endpoints(&[(1, true), (2, false)]), &common);
    let same = |ports: &[(u16, bool)]| before.is_same(&before.follow(&endpoints(ports), &common));
    assert!(same(&[(1, true), (2, false)]));
    assert!(!same(&[(1, true), (2, true)]));
    assert!(!same(&[(1, true)]));
    assert!(!same(&[(1, true), (3, false)]));
}
