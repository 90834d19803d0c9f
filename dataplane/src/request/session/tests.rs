use http::HeaderMap;

use super::super::tests::Scene;
use super::*;

#[test]
fn the_revision_is_what_the_server_settled_on() {
    let answer =
        |version: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"protocolVersion":{version},"x":1}}}}"#);
    assert_eq!(agreed(answer(r#""2025-03-26""#).as_bytes()), Some(Revision::R20250326));
    for bad in [r#""1999-01-01""#, "1", "null"] {
        assert_eq!(agreed(answer(bad).as_bytes()), None, "{bad}");
    }
    assert_eq!(agreed(br#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#), None);
    assert_eq!(agreed(b""), None);
}

#[test]
fn only_an_id_that_is_text_and_short_is_sealed() {
    let scene = Scene::new();
    let kept = |id: Option<HeaderValue>| {
        let opened = Opened { id, endpoint: "10.0.0.1:80".to_owned(), revision: Revision::R20251125 };
        kept(&scene.server(), &opened)
    };
    let sealed = kept(Some(HeaderValue::from_static("abc"))).unwrap();
    assert_eq!((sealed.server.as_str(), sealed.id.as_str()), ("Server/scm/one", "abc"));
    assert!(kept(None).is_none());
    assert!(kept(Some(HeaderValue::from_bytes(b"\xff").unwrap())).is_none());
    assert!(kept(Some(HeaderValue::from_str(&"x".repeat(UPSTREAM_ID + 1)).unwrap())).is_none());
}

#[test]
fn a_session_is_open_for_its_own_principal_and_route_until_it_ends() {
    let scene = Scene::new();
    let mut account = scene.account();
    let exchange = scene.exchange(&mut account, HeaderMap::new());
    let contents = Session {
        revision: Revision::R20251125,
        issued: 100,
        expires: 200,
        client_info: None,
        upstreams: Vec::new(),
        absent: Vec::new(),
    };
    let id = contents.seal(&scene.context.ring.current(), &exchange.binding());
    let status = |outcome: Result<OpenSession, Refusal>| outcome.err().map(|refusal| refusal.status);
    assert_eq!(status(OpenSession::open(&exchange, &id, 199)), None);
    assert_eq!(status(OpenSession::open(&exchange, &id, 200)), Some(StatusCode::NOT_FOUND), "expired");
    assert_eq!(status(OpenSession::open(&exchange, "x", 199)), Some(StatusCode::NOT_FOUND), "none of ours");
    let open = OpenSession::open(&exchange, &id, 199).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    assert!(open.upstream(&scene.server()).is_ok_and(|session| session.is_none()), "the server keeps no sessions");
    scene.context.end_session(open.fingerprint, u64::MAX);
    assert_eq!(status(OpenSession::open(&exchange, &id, 199)), Some(StatusCode::NOT_FOUND), "ended");
}

#[test]
fn a_session_is_begun_on_servers_that_keep_them_alone() {
    let scene = Scene::new();
    assert!(!wants_session(&scene.server(), Revision::R20251125), "a modern server keeps none");
}
