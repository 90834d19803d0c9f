use super::*;

#[tokio::test]
async fn a_process_is_ready_when_nothing_is_missing() {
    let readiness = Readiness::new();
    let (step, tried, again) = (readiness.block("first step"), readiness.block("servers"), readiness.block("servers"));
    assert_eq!(readiness.missing(), ["first step", "servers"]);
    drop((step, tried));
    assert_eq!(readiness.missing(), ["servers"]);
    let waiting = readiness.ready();
    drop(again);
    waiting.await;
    let _draining = readiness.block("draining");
    assert_eq!(readiness.missing(), ["draining"]);
}
