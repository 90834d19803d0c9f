use super::*;

fn places() -> Vec<Place> {
    (1..=3).map(|port| Place { url: 0, address: ([10, 0, 0, 1], port).into() }).collect()
}

#[test]
fn a_round_tries_every_address_once() {
    let mut rounds = Rounds::default();
    rounds.begin(places());
    let mut tried: Vec<Place> = std::iter::from_fn(|| rounds.turn()).collect();
    tried.sort_by_key(|place| place.address);
    assert_eq!(tried, places());
    assert!(rounds.is_over());
}

#[test]
fn who_served_last_is_tried_after_the_others() {
    let mut rounds = Rounds::default();
    for _ in 0..50 {
        rounds.begin(places());
        let served = rounds.turn();
        rounds.end();
        assert!(rounds.is_over());
        rounds.begin(places());
        let tried: Vec<Place> = std::iter::from_fn(|| rounds.turn()).collect();
        assert_eq!(tried.last().copied(), served);
    }
}
