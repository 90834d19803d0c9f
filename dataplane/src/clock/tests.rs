use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

#[test]
fn the_day_is_the_systems_to_within_a_second() {
    let exact = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(exact.abs_diff(of_day()) < Duration::from_secs(1));
}

#[test]
fn the_steady_clock_goes_on_and_never_back() {
    let first = steady();
    let mut last = first;
    while last == first {
        let next = steady();
        assert!(next >= last);
        last = next;
    }
}
