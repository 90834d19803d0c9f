use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn resource(text: &str, body: &'static [u8]) -> (Name, (Version, Bytes)) {
    (name(text), (Version::of(body), Bytes::from_static(body)))
}

fn sample() -> LastGood {
    LastGood {
        epoch: 7,
        resources: [resource("Route/a/eng", b"route"), resource("Policy/a/open", b"policy")].into(),
        held: [(name("Policy/a/open"), Vec::new()), (name("Policy/a/bad"), vec![name("Route/a/eng")])].into(),
        ended: vec![EndedSession { session: Bytes::from_static(b"fingerprint"), expires: 9 }],
    }
}

#[test]
fn what_was_kept_is_read_again() {
    for kept in [LastGood::default(), sample()] {
        assert_eq!(LastGood::decode(&kept.clone().encode()), Ok(kept));
    }
}

#[test]
fn a_body_that_is_not_what_its_version_says_spoils_the_whole() {
    let message = |resources: Vec<Resource>| proto::LastGood { resources, ..proto::LastGood::default() };
    let good = Resource {
        name: "Route/a/eng".to_owned(),
        version: Version::of(b"x").to_string(),
        body: Bytes::from_static(b"x"),
    };
    let other = Resource { body: Bytes::from_static(b"y"), ..good.clone() };
    let corrupt = Err(LastGoodError::Corrupt(name("Route/a/eng")));
    assert!(LastGood::decode(&message(vec![good.clone()]).encode_to_vec()).is_ok());
    assert_eq!(LastGood::decode(&message(vec![other]).encode_to_vec()), corrupt);
    assert_eq!(LastGood::decode(&message(vec![good.clone(), good]).encode_to_vec()), corrupt);
    assert_eq!(LastGood::decode(b"\xff\xff"), Err(LastGoodError::Malformed));
}

#[test]
fn kinds_of_a_later_release_are_left_out() {
    let later = Resource {
        name: "Gadget/a/b".to_owned(),
        version: Version::of(b"x").to_string(),
        body: Bytes::from_static(b"x"),
    };
    let message = proto::LastGood { resources: vec![later], ..proto::LastGood::default() };
    assert_eq!(LastGood::decode(&message.encode_to_vec()), Ok(LastGood::default()));
}

#[test]
fn a_name_that_is_held_goes_on_with_what_is_in_force_or_closes_what_depends_on_it() {
    let change = sample().change();
    assert_eq!(change.upserts.len(), 2);
    assert_eq!(
        change.held,
        [
            (name("Policy/a/bad"), None, vec![name("Route/a/eng")]),
            (name("Policy/a/open"), Some(Version::of(b"policy")), Vec::new()),
        ]
    );
    assert_eq!((change.epoch, change.initial), (7, true));
}

#[test]
fn bodies_are_not_printed() {
    let secret = LastGood { resources: [resource("Secret/a/b", b"hunter2")].into(), ..LastGood::default() };
    assert!(!format!("{secret:?}").contains("hunter2"));
}

#[test]
fn another_gateways_assignment_is_not_ours() {
    let assignments = ["Assignment/gateway-0", "Assignment/gateway-1", "Server/a/b"].map(|name| resource(name, b"x"));
    let kept = LastGood { resources: assignments.into(), ..LastGood::default() }.belonging_to("gateway-1");
    let names: Vec<_> = kept.resources.keys().map(Name::as_str).collect();
    assert_eq!(names, ["Assignment/gateway-1", "Server/a/b"]);
}
