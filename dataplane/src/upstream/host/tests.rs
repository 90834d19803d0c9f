use std::time::Duration;

use tokio::time::advance;

use super::Reach;

#[tokio::test(start_paused = true)]
async fn after_a_failed_connect_one_caller_a_second_may_try() {
    advance(Duration::from_millis(5)).await;
    let reach = Reach::new();
    assert!(reach.may_try() && reach.may_try(), "up: everybody may");
    reach.failed();
    assert!(reach.is_down() && !reach.may_try());
    advance(Duration::from_millis(999)).await;
    assert!(reach.is_down() && !reach.may_try());
    advance(Duration::from_millis(1)).await;
    assert!(!reach.is_down());
    assert!(reach.may_try(), "the first to ask");
    assert!(!reach.may_try(), "the second waits for what the first finds");
    advance(Duration::from_secs(1)).await;
    assert!(reach.may_try(), "a try that was abandoned blocks nobody for long");
    reach.succeeded();
    assert!(reach.may_try() && reach.may_try());
}
