use portolan_config::proto;

use super::*;
use crate::policy::Identity;
use crate::request::tests::Scene;
use crate::snapshot::Route;
use crate::snapshot::compile::tests::{catalogue, route, server, step};
use crate::snapshot::visibility::VisibilityCache;

/// Three tools of one server, and what anybody may see of them.
async fn three() -> (Scene, Arc<Route>, Arc<Visible>) {
    let mut scene = Scene::new();
    let mut resources = vec![server("one"), route(&[("one", "a")], proto::Conflict::First)];
    resources.extend(catalogue("one", &["search", "write", "read"]));
    scene.compiler.apply(&step(resources));
    scene.publish();
    let route = Arc::clone(scene.context.snapshot().route("any.example", "/mcp").unwrap());
    let visible = VisibilityCache::view(&route, &Identity::anonymous(), 0).await;
    (scene, route, visible)
}

fn asked(visible: &Arc<Visible>) -> Asked {
    Asked { era: Era::Modern, start: 0, visible: Arc::clone(visible) }
}

#[tokio::test]
async fn those_who_may_see_the_same_share_one_page() {
    let (_scene, route, visible) = three().await;
    let pages = Pages::new(1 << 20);
    let first = pages.page(&route.tools, asked(&visible), PageLimits::default());
    // A view of somebody else, computed anew.
    let other = Arc::new(visible.without(99));
    let second = pages.page(&route.tools, asked(&other), PageLimits::default());
    assert_eq!(first.tail.as_ptr(), second.tail.as_ptr());
    assert!(first.tail.starts_with(br#"[{"name":"a_search""#) && first.tail.ends_with(b"}]}}"));
}

#[tokio::test]
async fn whatever_changes_a_page_makes_another() {
    let (mut scene, route, visible) = three().await;
    let pages = Pages::new(1 << 20);
    let limits = PageLimits { count: 2, bytes: 4096 };
    let first = pages.page(&route.tools, asked(&visible), limits);
    assert_eq!(first.next, Some(2));
    let rest = pages.page(&route.tools, Asked { start: 2, ..asked(&visible) }, limits);
    assert!(rest.tail.starts_with(br#"[{"name":"a_read""#) && rest.next.is_none());
    let fewer = pages.page(&route.tools, asked(&Arc::new(visible.without(1))), limits);
    assert!(!fewer.tail.windows(7).any(|window| window == b"a_write"));
    let legacy = pages.page(&route.tools, Asked { era: Era::Legacy, ..asked(&visible) }, limits);
    assert_ne!(legacy.tail.as_ptr(), first.tail.as_ptr());
    // The same view of other definitions.
    scene.compiler.apply(&step(catalogue("one", &["find", "write", "read"]).to_vec()));
    scene.publish();
    let changed = Arc::clone(scene.context.snapshot().route("any.example", "/mcp").unwrap());
    let changed = pages.page(&changed.tools, asked(&visible), limits);
    assert!(changed.tail.starts_with(br#"[{"name":"a_find""#));
}

#[tokio::test]
async fn pages_take_no_more_than_their_bytes() {
    let (_scene, route, visible) = three().await;
    let pages = Pages::new(4096);
    for start in 0..100 {
        pages.page(&route.tools, Asked { start, ..asked(&visible) }, PageLimits::default());
    }
    assert!(!pages.0.is_empty() && pages.0.weight() <= 4096, "{}", pages.0.weight());
}
