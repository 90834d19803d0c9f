use std::future::pending;

use super::*;

const MINUTE: Times = Times { min: Duration::from_secs(10), max: Duration::from_secs(60) };

#[tokio::test(start_paused = true)]
async fn a_drain_without_connections_ends_after_the_minimum() {
    let drain = Drain::new();
    let begun = tokio::time::Instant::now();
    drain.run(MINUTE, pending()).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_last_connection() {
    let drain = Drain::new();
    let signal = drain.signal();
    let connection = signal.connection();
    let begun = tokio::time::Instant::now();
    let holder = async move {
        signal.reached(Phase::Closing).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        drop(connection);
    };
    tokio::join!(drain.run(MINUTE, pending()), holder);
    assert_eq!(begun.elapsed(), Duration::from_secs(17));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_maximum_is_cut() {
    let drain = Drain::new();
    let signal = drain.signal();
    let _connection = signal.connection();
    let begun = tokio::time::Instant::now();
    drain.run(MINUTE, pending()).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(60));
    signal.reached(Phase::Stopping).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_stops_at_once() {
    let drain = Drain::new();
    let signal = drain.signal();
    let _connection = signal.connection();
    let begun = tokio::time::Instant::now();
    drain.run(MINUTE, tokio::time::sleep(Duration::from_secs(1))).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    signal.reached(Phase::Stopping).await;
}

#[tokio::test(start_paused = true)]
async fn draining_is_seen_before_anything_closes() {
    let drain = Drain::new();
    let signal = drain.signal();
    assert!(!signal.is_draining());
    let watcher = async {
        signal.reached(Phase::Draining).await;
        assert!(signal.is_draining());
        tokio::time::Instant::now()
    };
    let begun = tokio::time::Instant::now();
    let ((), seen) = tokio::join!(drain.run(MINUTE, pending()), watcher);
    assert_eq!(seen, begun);
}

#[tokio::test]
async fn a_signal_without_a_drain_is_stopping() {
    let signal = Drain::new().signal();
    signal.reached(Phase::Stopping).await;
}
