use super::*;

fn id(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn is_cancelled(running: &Running) -> bool {
    futures::poll!(std::pin::pin!(running.cancelled())).is_ready()
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_own_id_in_its_own_session() {
    let cancels = Cancels::default();
    let running = cancels.enter([1; 16], id("7"));
    cancels.cancel([2; 16], id("7"));
    cancels.cancel([1; 16], id(r#""7""#));
    cancels.cancel([1; 16], id("70"));
    assert!(!is_cancelled(&running).await);
    cancels.cancel([1; 16], id("7"));
    assert!(is_cancelled(&running).await);
}

#[tokio::test]
async fn a_cancellation_that_comes_before_anybody_waits_is_not_lost_and_one_that_comes_too_late_is_nobodys() {
    let cancels = Cancels::default();
    let first = cancels.enter([1; 16], id("7"));
    drop(first);
    cancels.cancel([1; 16], id("7"));
    let second = cancels.enter([1; 16], id("7"));
    assert!(!is_cancelled(&second).await);
    cancels.cancel([1; 16], id("7"));
    assert!(is_cancelled(&second).await);
}

#[tokio::test]
async fn of_two_calls_with_one_id_the_later_is_cancelled_and_the_earlier_takes_nothing_with_it() {
    let cancels = Cancels::default();
    let earlier = cancels.enter([1; 16], id("7"));
    let later = cancels.enter([1; 16], id("7"));
    drop(earlier);
    cancels.cancel([1; 16], id("7"));
    assert!(is_cancelled(&later).await);
    drop(later);
    assert!(cancels.running.lock().is_empty());
}
