use super::*;
use crate::{
    fixtures::{files, read, remote, route},
    object::ObjectKind,
};

#[tokio::test(start_paused = true)]
async fn edits_gather_before_they_are_one_publication() {
    let operator = Operator::new(files());
    let mut published = operator.published();
    let stop = CancellationToken::new();
    tokio::spawn(run(operator.clone(), Metrics::new(), stop.clone()));
    operator.replace_all(vec![read(remote("web"))]);
    published.changed().await.unwrap();
    let first = *published.borrow_and_update();
    let began = tokio::time::Instant::now();
    operator.apply(read(remote("other")));
    tokio::time::sleep(DEBOUNCE / 2).await;
    operator.apply(read(route("r", &["web", "other"])));
    published.changed().await.unwrap();
    assert_eq!(began.elapsed(), DEBOUNCE);
    assert!(*published.borrow() > first);
    let described = operator.describe().to_string();
    assert!(described.contains("Server/shop/other") && described.contains("Route/shop/r"));
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_before_every_first_list_is_done() {
    let operator = Operator::new(files());
    let mut published = operator.published();
    tokio::spawn(run(operator.clone(), Metrics::new(), CancellationToken::new()));
    operator.replace(ObjectKind::McpServer, None, vec![read(remote("web"))]);
    let waited = tokio::time::timeout(DEBOUNCE * 10, published.changed()).await;
    assert!(waited.is_err());
    for kind in ObjectKind::ALL {
        if kind != ObjectKind::McpServer {
            operator.replace(kind, None, Vec::new());
        }
    }
    published.changed().await.unwrap();
}
