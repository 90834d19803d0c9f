use super::*;
use crate::mcp::revision::Revision;

const ALICE: Binding<'_> = Binding { route: "Route/x/a", tenant: "x", principal: b"alice" };

fn session() -> Session {
    Session {
        revision: Revision::R20251125,
        issued: 1000,
        expires: 2000,
        client_info: None,
        upstreams: Vec::new(),
        absent: Vec::new(),
    }
}

#[test]
fn a_session_that_was_opened_once_is_not_opened_again() {
    let (ring, remembered) = (Arc::new(Ring::generate()), Remembered::default());
    let id = session().seal(&ring, &ALICE);
    let open = || remembered.open(&ring, &ALICE, &id, 1999).unwrap();
    assert_eq!(*open(), session());
    assert!(Arc::ptr_eq(&open(), &open()));
}

#[test]
fn what_is_remembered_ends_when_its_time_is_over() {
    let (ring, remembered) = (Arc::new(Ring::generate()), Remembered::default());
    let id = session().seal(&ring, &ALICE);
    assert!(remembered.open(&ring, &ALICE, &id, 1999).is_ok());
    assert_eq!(remembered.open(&ring, &ALICE, &id, 2000), Err(Unsealed::Expired));
}

#[test]
fn what_one_opened_is_not_open_for_another() {
    let (ring, remembered) = (Arc::new(Ring::generate()), Remembered::default());
    let id = session().seal(&ring, &ALICE);
    for other in [
        Binding { route: "Route/x/b", ..ALICE },
        Binding { tenant: "y", ..ALICE },
        Binding { principal: b"bob", ..ALICE },
    ] {
        assert!(remembered.open(&ring, &ALICE, &id, 1500).is_ok());
        assert_eq!(remembered.open(&ring, &other, &id, 1500), Err(Unsealed::Forged), "{other:?}");
    }
    assert!(remembered.open(&ring, &ALICE, &id, 1500).is_ok(), "trying it elsewhere did not end it");
}

#[test]
fn a_key_that_is_gone_opens_nothing_and_is_not_kept_alive() {
    let (old, remembered) = (Arc::new(Ring::generate()), Remembered::default());
    let id = session().seal(&old, &ALICE);
    assert!(remembered.open(&old, &ALICE, &id, 1500).is_ok());
    let watched = Arc::downgrade(&old);
    drop(old);
    assert!(watched.upgrade().is_none());
    assert_eq!(remembered.open(&Arc::new(Ring::generate()), &ALICE, &id, 1500), Err(Unsealed::UnknownKey));
}

#[test]
fn what_does_not_open_is_not_remembered() {
    let (ring, remembered) = (Arc::new(Ring::generate()), Remembered::default());
    let id = session().seal(&ring, &ALICE);
    for bad in ["", "x", "v1.a.b", &id[..id.len() - 1], &format!("{id}A")] {
        assert!(remembered.open(&ring, &ALICE, bad, 1500).is_err(), "{bad}");
    }
    assert_eq!(remembered.0.len(), 0);
}
