use bytes::Bytes;
use http::HeaderValue;

use super::super::arrival::Content;
use super::super::tests::Scene;
use super::*;
use crate::mcp::Revision;

fn misfit_of(scene: &Scene, revision: Revision, id: Option<&'static str>, status: u16, body: &str) -> Option<Misfit> {
    let session = Opened { id: id.map(HeaderValue::from_static), endpoint: "e".to_owned(), revision };
    let session = (revision.era() == Era::Legacy).then(|| Arc::new(session));
    let forward = Forward { server: scene.server(), revision, id: 7, session, params: None };
    let content = Content::Message(Bytes::from(body.to_owned()));
    misfit(&forward, &Arrival { status: StatusCode::from_u16(status).unwrap(), content })
}

#[test]
fn only_what_says_that_nothing_ran_is_held_against_the_request() {
    let scene = Scene::new();
    let (modern, legacy) = (Revision::R20260728, Revision::R20251125);
    let error = |code: i64| format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":{code},"message":"x"}}}}"#);
    assert_eq!(misfit_of(&scene, legacy, Some("s"), 404, ""), Some(Misfit::Session));
    assert_eq!(misfit_of(&scene, legacy, None, 404, ""), None, "there was no session to lose");
    assert_eq!(misfit_of(&scene, modern, None, 404, &error(-32601)), None);
    assert_eq!(misfit_of(&scene, modern, None, 400, &error(-32020)), Some(Misfit::Headers));
    assert_eq!(misfit_of(&scene, modern, None, 200, &error(-32020)), None, "with this status it may have run");
    assert_eq!(misfit_of(&scene, modern, None, 400, &error(-32602)), None);
    assert_eq!(misfit_of(&scene, modern, None, 400, "no JSON"), None);
    assert_eq!(misfit_of(&scene, legacy, Some("s"), 400, &error(-32020)), None, "older servers have no such headers");
    assert_eq!(misfit_of(&scene, legacy, Some("s"), 500, ""), None);
}
