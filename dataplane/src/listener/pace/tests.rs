use super::*;

fn seconds(count: u64) -> u64 {
    count * 1000
}

fn pace(http2: bool) -> (Arc<Pace>, Limits) {
    (Arc::new(Pace::new(http2)), Limits::default())
}

#[test]
fn a_head_that_never_ends_is_cut() {
    let (pace, limits) = pace(false);
    pace.read(1);
    assert_eq!(pace.advice_at(seconds(9), &limits), Advice::Wait(Duration::from_secs(1)));
    assert_eq!(pace.advice_at(seconds(10), &limits), Advice::Cut("head"));
}

#[test]
fn a_kept_connection_may_be_idle_for_longer_than_a_head() {
    let (pace, limits) = pace(false);
    drop(pace.request());
    pace.since.store(0, Relaxed);
    assert_eq!(pace.advice_at(seconds(11), &limits), Advice::Wait(Duration::from_secs(60)));
    assert_eq!(pace.advice_at(seconds(120), &limits), Advice::Close);
}

#[test]
fn the_first_byte_after_idleness_begins_a_head() {
    let (pace, limits) = pace(false);
    drop(pace.request());
    pace.read(1);
    pace.since.store(seconds(100), Relaxed);
    assert_eq!(pace.advice_at(seconds(110), &limits), Advice::Cut("head"));
}

#[test]
fn a_request_under_way_may_take_its_time() {
    let (pace, limits) = pace(false);
    let _busy = pace.request();
    pace.read(10);
    assert_eq!(pace.advice_at(seconds(3600), &limits), Advice::Wait(limits.send_stall));
}

#[test]
fn a_peer_that_takes_nothing_is_cut() {
    let (pace, limits) = pace(false);
    let _busy = pace.request();
    pace.stalled.store(seconds(5) + 1, Relaxed);
    pace.wrote(false);
    assert_eq!(pace.advice_at(seconds(64), &limits), Advice::Wait(Duration::from_secs(1)));
    assert_eq!(pace.advice_at(seconds(65), &limits), Advice::Cut("send_stall"));
    pace.wrote(true);
    assert_eq!(pace.advice_at(seconds(65), &limits), Advice::Wait(limits.send_stall));
}

#[test]
fn an_http2_peer_must_say_hello_and_may_then_be_quiet() {
    let (pace, limits) = pace(true);
    pace.read(24);
    assert_eq!(pace.advice_at(seconds(10), &limits), Advice::Cut("head"));
    pace.read(9);
    pace.since.store(0, Relaxed);
    assert_eq!(pace.advice_at(seconds(10), &limits), Advice::Wait(limits.send_stall));
    assert_eq!(pace.advice_at(seconds(120), &limits), Advice::Close);
}
