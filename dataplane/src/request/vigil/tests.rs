use std::pin::pin;

use portolan_config::proto;

use super::super::tests::Scene;
use super::*;
use crate::snapshot::compile::tests::{catalogue, policy, route, step};

fn vigil(scene: &Scene, session: Option<[u8; 16]>) -> Vigil {
    let mut account = scene.account();
    Vigil::over(&scene.exchange(&mut account, HeaderMap::new()), Some(Arc::from("a_search")), session)
}

/// Whether a stream opened before `change` goes on after it.
async fn survives(change: impl FnOnce(&mut Scene)) -> bool {
    let mut scene = Scene::new();
    let mut vigil = vigil(&scene, Some([1; 16]));
    let mut withdrawn = pin!(vigil.until_withdrawn());
    assert!(futures::poll!(withdrawn.as_mut()).is_pending());
    change(&mut scene);
    scene.publish();
    futures::poll!(withdrawn.as_mut()).is_pending()
}

#[tokio::test]
async fn a_stream_goes_on_over_edits_that_leave_its_call_allowed() {
    assert!(survives(|_| {}).await);
    assert!(survives(|scene| drop(scene.compiler.apply(&step(catalogue("one", &["other", "search"]))))).await);
    assert!(survives(|scene| drop(scene.compiler.apply(&step([policy("true")])))).await);
    assert!(survives(|scene| scene.context.end_session([2; 16], u64::MAX)).await, "another session has ended");
}

#[tokio::test]
async fn a_stream_ends_with_what_allowed_it() {
    assert!(!survives(|scene| drop(scene.compiler.apply(&step(catalogue("one", &["other"]))))).await, "the tool");
    assert!(!survives(|scene| drop(scene.compiler.apply(&step([policy("false")])))).await, "the permission");
    assert!(!survives(|scene| scene.context.end_session([1; 16], u64::MAX)).await, "the session");
    let elsewhere = |scene: &mut Scene| {
        let (name, mut body) = route(&[("one", "a")], proto::Conflict::First);
        if let portolan_config::Body::Route(route) = &mut body {
            route.path = "/elsewhere".to_owned();
        }
        scene.compiler.apply(&step([(name, body)]));
    };
    assert!(!survives(elsewhere).await, "the endpoint");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_token() {
    let scene = Scene::new();
    let mut mortal = vigil(&scene, None);
    let soon = Identity::new("https://issuer.example", "ann", serde_json::Value::Null, Some(now() + 60));
    mortal.identity = Arc::new(soon);
    let began = tokio::time::Instant::now();
    mortal.until_withdrawn().await;
    assert!((58..=60).contains(&began.elapsed().as_secs()));
}
