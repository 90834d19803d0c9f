//! Steps of configuration, as a gateway reads them.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use portolan_config::delta::client::{Change, Reaction, Session};
use portolan_config::proto::FromOperator;
use portolan_config::{Body, Name, Version};
use prost::Message;

/// Messages of the operator, each after its length. Nothing makes the gateway's end panic; what is in force changes only by whole changes, and
/// then as they say; a body has the version that it is named by, and means the same once it is written again.
pub fn step(data: &[u8]) {
    let mut session = Session::new("gateway-0".to_owned(), "default".to_owned(), "0.1.0".to_owned());
    session.subscribe();
    let mut expected = BTreeMap::new();
    let mut rest = Bytes::copy_from_slice(data);
    while rest.has_remaining() {
        let Ok(message) = FromOperator::decode_length_delimited(&mut rest) else { break };
        match session.on_message(message) {
            Ok(Reaction::Change(change)) => {
                enter(&mut expected, &change);
                session.applied(change.sequence, Vec::new());
            }
            Ok(_) => {}
            Err(_) => {
                session.subscribe();
            }
        }
        let in_force: BTreeMap<_, _> =
            session.applied_set().map(|(name, version, _)| (name.clone(), version)).collect();
        assert_eq!(in_force, expected);
    }
    for (name, version, body) in session.applied_set() {
        assert_eq!(Version::of(body), version);
        rewritten(name, body);
    }
}

/// What a change says is in force after it.
fn enter(in_force: &mut BTreeMap<Name, Version>, change: &Change) {
    for name in change.removed.iter().chain(&change.revoked) {
        in_force.remove(name);
    }
    for (name, version, body) in &change.upserts {
        assert_eq!(Version::of(body), *version);
        in_force.insert(name.clone(), *version);
    }
    for (name, version, _) in &change.held {
        assert_eq!(in_force.get(name), version.as_ref(), "{name} is held in the version that is in force");
    }
}

fn rewritten(name: &Name, bytes: &Bytes) {
    let Ok(body) = Body::decode(name.kind(), bytes) else { return };
    let written = body.encode();
    let again = Body::decode(name.kind(), &written).expect("our own encoding");
    assert_eq!(again.encode(), written);
}
