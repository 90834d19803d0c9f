use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::Version;

fn policy(claims: BTreeMap<String, String>) -> Body {
    let jwt = proto::Jwt { issuer: "https://issuer".to_owned(), claims, ..proto::Jwt::default() };
    let authentication = proto::Authentication { jwt: vec![jwt], ..proto::Authentication::default() };
    proto::Policy { authentication: Some(authentication), ..proto::Policy::default() }.into()
}

#[test]
fn a_version_does_not_depend_on_the_order_in_which_a_map_was_filled() {
    let pairs: Vec<_> = (0..64).map(|n| (format!("claim-{n}"), format!("value-{n}"))).collect();
    let forwards = policy(pairs.iter().cloned().collect());
    let backwards = policy(pairs.iter().rev().cloned().collect());
    let shuffled = policy(pairs.into_iter().collect::<HashMap<_, _>>().into_iter().collect());
    let versions = [&forwards, &backwards, &shuffled].map(|body| Version::of(&body.encode()));
    assert_eq!(versions[0], versions[1]);
    assert_eq!(versions[0], versions[2]);
}

#[test]
fn an_encoding_is_the_same_in_every_release() {
    // A change of this number re-sends everything to every gateway after an upgrade.
    let server = proto::Server {
        namespace: "a".to_owned(),
        name: "b".to_owned(),
        path: "/mcp".to_owned(),
        generation: 7,
        ..Default::default()
    };
    assert_eq!(Body::from(server).encode().as_ref(), b"\x0a\x01a\x12\x01b\x1a\x04/mcp\x60\x07");
}

#[test]
fn a_body_reads_back_as_it_was_written() {
    let body = policy([("team".to_owned(), "groups".to_owned())].into());
    assert_eq!(Body::decode(body.kind(), &body.encode()).unwrap(), body);
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    assert!(Body::decode(Kind::Server, &Bytes::from_static(b"\x0a\xff")).is_err());
}
