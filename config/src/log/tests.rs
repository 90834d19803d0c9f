use super::*;
use crate::proto;

fn server() -> Name {
    Name::new(Kind::Server, "a", "b")
}

fn body(generation: i64) -> Bytes {
    Body::from(proto::Server { generation, ..proto::Server::default() }).encode()
}

fn catalogue(chunks: &[Name]) -> Bytes {
    Body::from(proto::Catalogue { chunks: chunks.iter().map(Name::to_string).collect(), ..proto::Catalogue::default() })
        .encode()
}

fn versioned(name: Name, body: Bytes) -> (Name, Version, Bytes) {
    (name, Version::of(&body), body)
}

fn changed(log: &Log, after: u64) -> Vec<String> {
    log.changes(after).map(|(name, _)| name.to_string()).collect()
}

#[test]
fn the_same_body_again_is_no_change() {
    let mut log = Log::new();
    assert_eq!(log.put(server(), body(1)), Some(1));
    assert_eq!(log.put(server(), body(1)), None);
    assert_eq!(log.put(server(), body(2)), Some(2));
    assert_eq!((log.sequence(), log.changed_at(&server())), (2, Some(2)));
}

#[test]
fn a_burst_on_one_name_is_one_change() {
    let mut log = Log::new();
    log.put(Name::fleet("default"), Bytes::new());
    for generation in 0..100 {
        log.put(server(), body(generation));
    }
    assert_eq!(changed(&log, 0), ["Fleet/default", "Server/a/b"]);
    assert_eq!(changed(&log, 1), ["Server/a/b"]);
    assert_eq!(changed(&log, log.sequence()), [""; 0]);
}

#[test]
fn a_held_name_keeps_its_last_good_body() {
    let mut log = Log::new();
    log.put(server(), body(1));
    assert_eq!(log.hold(server(), Vec::new()), Some(2));
    assert_eq!(log.hold(server(), Vec::new()), None);
    assert_eq!(log.get(&server()), Some((Version::of(&body(1)), body(1))));
    assert_eq!(log.put(server(), body(1)), Some(3), "the hold is over: gateways must hear of it");
}

#[test]
fn a_body_from_before_a_removal_is_never_held() {
    let mut log = Log::new();
    log.put(server(), body(1));
    log.remove(&server());
    log.hold(server(), Vec::new());
    assert_eq!(log.get(&server()), None);
    assert!(!log.adopt(&server(), Version::of(&body(1)), body(1)));
}

#[test]
fn a_removal_can_become_a_revocation_but_not_the_reverse() {
    let mut log = Log::new();
    log.put(server(), body(1));
    assert_eq!(log.remove(&server()), Some(2));
    assert_eq!(log.remove(&server()), None);
    assert_eq!(log.revoke(&server()), Some(3));
    assert_eq!(log.remove(&server()), None);
    assert_eq!(log.remove(&Name::fleet("other")), None);
}

#[test]
fn a_held_name_without_a_body_adopts_a_gateway_s() {
    let mut log = Log::new();
    let dependents = vec![Name::new(Kind::Route, "a", "r")];
    log.hold(server(), dependents.clone());
    let good = Good { version: Version::of(&body(1)), body: body(1) };
    assert!(!log.adopt(&server(), Version::of(&body(2)), body(1)), "another version's body");
    assert!(log.adopt(&server(), good.version, good.body.clone()));
    assert_eq!(log.state(&server()), Some(&State::Held { good: Some(good), dependents }));
    assert!(!log.adopt(&server(), Version::of(&body(2)), body(2)), "one is enough");
}

#[test]
fn only_what_is_awaited_is_adopted() {
    let mut log = Log::new();
    assert!(!log.adopt(&server(), Version::of(&body(1)), body(1)));
    log.put(server(), body(1));
    assert!(!log.adopt(&server(), Version::of(&body(2)), body(2)));
}

#[test]
fn a_body_of_another_kind_is_not_adopted() {
    let mut log = Log::new();
    log.hold(server(), Vec::new());
    let nonsense = Bytes::from_static(b"\x0a\xff");
    assert!(!log.adopt(&server(), Version::of(&nonsense), nonsense));
}

#[test]
fn a_catalogue_is_adopted_with_all_its_chunks_or_not_at_all() {
    let (name, chunks) = (Name::new(Kind::Catalogue, "a", "b"), [Name::chunk("a", "b", 0), Name::chunk("a", "b", 1)]);
    let mut log = Log::new();
    log.expect(name.clone());
    assert!(log.awaits(&chunks[0]));
    let (_, version, body) = versioned(name.clone(), catalogue(&chunks));
    let bodies: Vec<_> = chunks.iter().map(|chunk| versioned(chunk.clone(), Bytes::new())).collect();
    assert!(!log.adopt(&name, version, body.clone()));
    assert!(!log.adopt_with(&name, version, body.clone(), &bodies[..1]));
    assert_eq!(log.chunks("a", "b").count(), 0);
    assert!(log.adopt_with(&name, version, body, &bodies));
    assert_eq!(log.chunks("a", "b").cloned().collect::<Vec<_>>(), chunks);
    assert!(!log.awaits(&Name::chunk("a", "b", 2)));
}

#[test]
fn a_catalogue_brings_no_other_resources_with_it() {
    let name = Name::new(Kind::Catalogue, "a", "b");
    let (_, version, body) = versioned(name.clone(), catalogue(&[server()]));
    let mut log = Log::new();
    log.expect(name.clone());
    assert!(!log.adopt_with(&name, version, body, &[versioned(server(), Bytes::new())]));
    assert_eq!(log.get(&server()), None);
}

#[test]
fn a_held_name_s_last_good_body_is_told_again_when_it_is_joined_otherwise() {
    let mut log = Log::new();
    assert_eq!(log.join_again(&server(), body(2)), None, "nobody holds it");
    log.put(server(), body(1));
    assert_eq!(log.join_again(&server(), body(2)), None, "it is in force as its object says");
    log.hold(server(), Vec::new());
    assert_eq!(log.join_again(&server(), body(1)), None, "nothing changed");
    assert_eq!(log.join_again(&server(), body(2)), Some(3));
    assert_eq!(log.get(&server()).map(|(version, _)| version), Some(Version::of(&body(2))));
    assert!(matches!(log.state(&server()), Some(State::Held { .. })));
}

#[test]
fn what_the_log_knows_is_not_expected() {
    let mut log = Log::new();
    log.put(server(), body(1));
    assert_eq!(log.expect(server()), None);
    assert!(log.get(&server()).is_some());
}

#[test]
fn acknowledged_tombstones_are_forgotten() {
    let mut log = Log::new();
    let other = Name::fleet("default");
    log.put(server(), body(1));
    log.put(other.clone(), Bytes::new());
    log.remove(&server());
    log.remove(&other);
    log.forget_tombstones(3);
    assert_eq!((log.state(&server()), log.state(&other)), (None, Some(&State::Removed)));
    assert_eq!(log.floor(), 3);
    assert_eq!(changed(&log, 0), ["Fleet/default"]);
}

#[test]
fn the_log_prints_no_bodies() {
    let mut log = Log::new();
    let data = [("token".to_owned(), Bytes::from_static(b"hunter2"))].into();
    log.put(Name::new(Kind::Secret, "a", "b"), Body::from(proto::Secret { data }).encode());
    assert!(!format!("{log:?}").contains("hunter2"));
}
