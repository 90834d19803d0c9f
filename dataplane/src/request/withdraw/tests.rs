use http::HeaderMap;

use super::super::tests::Scene;
use super::*;

#[test]
fn only_an_older_server_is_told_that_a_call_was_taken_back() {
    let scene = Scene::new();
    let mut account = scene.account();
    let exchange = scene.exchange(&mut account, HeaderMap::new());
    let forward = |revision| Forward { server: scene.server(), revision, id: 7, session: None, params: None };
    assert!(Withdrawal::of(&exchange, &forward(Revision::R20260728)).is_none(), "it sees its connection end");
    for revision in [Revision::R20250326, Revision::R20250618, Revision::R20251125] {
        let withdrawal = Withdrawal::of(&exchange, &forward(revision)).unwrap();
        assert_eq!((withdrawal.id, withdrawal.revision), (7, revision), "under the id that we gave the call");
    }
}

#[test]
fn a_call_that_is_over_is_not_taken_back() {
    let scene = Scene::new();
    let mut account = scene.account();
    let exchange = scene.exchange(&mut account, HeaderMap::new());
    let forward = Forward { server: scene.server(), revision: Revision::R20251125, id: 7, session: None, params: None };
    let guard = Guard::arm(&exchange, &forward);
    assert!(guard.0.is_some());
    guard.disarm();
    // Without a runtime there is nobody to tell it, and no panic either.
    drop(Guard::arm(&exchange, &forward));
}
