use super::*;
use crate::jwks::tests::KEY;

const KEPT: Duration = Duration::from_hours(24);
const DAY: u64 = 86_400;
const URL: &str = "https://id.example/keys";

fn document() -> Bytes {
    format!(r#"{{"keys":[{KEY}]}}"#).into()
}

fn sets(fetched: u64) -> KeySets {
    let mut sets = KeySets::default();
    assert!(sets.fetched(URL.into(), document(), fetched));
    sets
}

#[test]
fn the_same_document_again_is_no_change_but_newer() {
    let mut sets = sets(1);
    assert!(!sets.fetched(URL.into(), document(), 2));
    assert_eq!(sets.get(URL).unwrap().fetched, 2);
    assert!(sets.fetched(URL.into(), format!(r#"{{"keys":[{KEY},{KEY}]}}"#).into(), 3));
}

#[test]
fn the_last_good_set_outlives_its_issuer_for_a_bounded_time() {
    let mut sets = sets(100);
    for now in [100, 3700, 100 + DAY] {
        assert!(!sets.missed(URL, now, KEPT), "{now}");
        assert!(sets.get(URL).is_some());
    }
    assert!(sets.missed(URL, 101 + DAY, KEPT));
    assert!(sets.get(URL).is_none());
    assert!(!sets.missed(URL, 102 + DAY, KEPT), "it is gone only once");
}

#[test]
fn what_nobody_uses_is_dropped() {
    let mut sets = sets(1);
    sets.retain(|url| url == URL);
    assert!(sets.get(URL).is_some());
    sets.retain(|_| false);
    assert!(sets.get(URL).is_none());
}

#[test]
fn sets_are_read_back_as_they_were_kept_while_they_are_fresh() {
    assert_eq!(read(&write(sets(100)), 200, KEPT), Ok(sets(100)));
    assert_eq!(read(&write(sets(100)), 101 + DAY, KEPT), Ok(KeySets::default()), "too old");
    assert_eq!(read(&write(sets(500)), 200, KEPT), Ok(sets(200)), "a clock was set back");
    assert!(read(b"\xff", 0, KEPT).is_err());
}

#[test]
fn what_is_no_key_set_any_more_is_left_out() {
    let set = proto::KeySet { url: URL.to_owned(), document: Bytes::from_static(b"{}"), fetched: 100 };
    let bytes = proto::KeySets { sets: vec![set] }.encode_to_vec();
    assert_eq!(read(&bytes, 100, KEPT), Ok(KeySets::default()));
}
