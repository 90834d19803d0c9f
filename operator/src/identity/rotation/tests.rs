use super::*;

const TIMES: Times = Times { renew: 100, end: None, keep: 50, touch: 10 };

fn one(id: &str, state: State, since: i64) -> Generation<()> {
    Generation { id: id.to_owned(), state, made: since, since, checked: since, material: () }
}

fn pods(everywhere: &[&str], used: &[&str]) -> Holders {
    let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Holders { complete: true, everywhere: set(everywhere), used: set(used) }
}

fn step(ring: &[Generation<()>], holders: &Holders, now: i64) -> Option<Step> {
    due(ring, &TIMES, 4, holders, now)
}

#[test]
fn the_first_is_in_use_at_once_since_nobody_has_another() {
    assert_eq!(step(&[], &Holders::default(), 0), Some(Step::Make(State::Current)));
}

#[test]
fn the_next_is_made_when_the_current_one_is_old_and_not_before() {
    let ring = [one("a", State::Current, 0)];
    assert_eq!(step(&ring, &Holders::default(), 99), None);
    assert_eq!(step(&ring, &Holders::default(), 100), Some(Step::Make(State::Next)));
}

#[test]
fn the_next_takes_over_only_when_every_pod_holds_it() {
    let ring = [one("a", State::Current, 0), one("b", State::Next, 100)];
    assert_eq!(step(&ring, &Holders::default(), 1_000_000), None, "nobody has told");
    assert_eq!(step(&ring, &pods(&["a"], &["a"]), 1_000_000), None);
    assert_eq!(step(&ring, &pods(&["a", "b"], &["a"]), 101), Some(Step::Promote));
}

#[test]
fn what_ends_by_itself_gives_way_whoever_holds_the_next() {
    let ring = [one("a", State::Current, 0), one("b", State::Next, 100)];
    let ending = Times { end: Some(200), ..TIMES };
    assert_eq!(due(&ring, &ending, 4, &Holders::default(), 199), None);
    assert_eq!(due(&ring, &ending, 4, &Holders::default(), 200), Some(Step::Promote));
    let ring = [one("a", State::Previous, 100), one("b", State::Current, 100)];
    assert_eq!(due(&ring, &ending, 4, &Holders::default(), 150), Some(Step::Drop("a".to_owned())));
}

#[test]
fn a_previous_one_is_kept_while_somebody_uses_it_and_for_its_time_after_that() {
    let seen = |checked| [Generation { checked, ..one("a", State::Previous, 100) }, one("b", State::Current, 100)];
    let (using, unused) = (pods(&["a", "b"], &["a", "b"]), pods(&["a", "b"], &["b"]));
    assert_eq!(step(&seen(100), &using, 110), Some(Step::Touch("a".to_owned())));
    assert_eq!(step(&seen(100), &using, 109), None, "noted at times, not always");
    assert_eq!(step(&seen(130), &unused, 140), Some(Step::Check("a".to_owned())));
    assert_eq!(step(&seen(140), &unused, 149), None);
    assert_eq!(step(&seen(140), &unused, 150), Some(Step::Drop("a".to_owned())));
    assert_eq!(step(&seen(140), &Holders { complete: false, ..unused }, 150), None, "somebody may still use it");
}

#[test]
fn a_previous_one_may_have_been_used_while_nobody_looked() {
    let ring = [one("a", State::Previous, 100), one("b", State::Current, 100)];
    assert_eq!(step(&ring, &pods(&["a", "b"], &["b"]), 120), Some(Step::Check("a".to_owned())));
    assert_eq!(step(&ring, &pods(&["a", "b"], &["b"]), 121), Some(Step::Touch("a".to_owned())));
    assert_eq!(step(&ring, &pods(&["a", "b"], &["b"]), 1_000_000), Some(Step::Touch("a".to_owned())));
}

#[test]
fn a_full_ring_waits_instead_of_dropping_what_is_still_good() {
    let previous = ["w", "x", "y"].map(|id| one(id, State::Previous, 95));
    let ring = [&previous[..], &[one("z", State::Current, 0)]].concat();
    assert_eq!(step(&ring, &pods(&["z"], &["z"]), 100), None);
    assert_eq!(step(&ring[1..], &pods(&["z"], &["z"]), 100), Some(Step::Make(State::Next)));
}

#[test]
fn steps_do_what_they_say() {
    let make = |id: &'static str| move || Ok::<_, ()>((id.to_owned(), ()));
    let mut ring = Vec::new();
    take(&mut ring, &Step::Make(State::Current), 1, make("a")).unwrap();
    take(&mut ring, &Step::Make(State::Next), 2, make("b")).unwrap();
    take(&mut ring, &Step::Promote, 3, make("")).unwrap();
    take(&mut ring, &Step::Touch("a".to_owned()), 4, make("")).unwrap();
    take(&mut ring, &Step::Check("a".to_owned()), 5, make("")).unwrap();
    let shown: Vec<_> = ring.iter().map(|one| (one.id.as_str(), one.state, one.made, one.since, one.checked)).collect();
    assert_eq!(shown, [("a", State::Previous, 1, 4, 5), ("b", State::Current, 2, 3, 3)]);
    take(&mut ring, &Step::Drop("a".to_owned()), 5, make("")).unwrap();
    assert_eq!(ring.len(), 1);
    assert!(take(&mut ring, &Step::Make(State::Next), 6, || Err("no randomness")).is_err());
    assert_eq!(ring.len(), 1);
}
