use super::*;

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_five_seconds_and_no_further() {
    let mut pauses = Pauses::default();
    let all: Vec<Duration> = pauses.by_ref().take(20).collect();
    assert!(all[0] <= FIRST && all[0] >= FIRST / 2);
    assert!(all[10..].iter().all(|pause| *pause >= LONGEST / 2 && *pause <= LONGEST), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn only_quiet_begins_again() {
    let mut pauses = Pauses::default();
    pauses.by_ref().take(10).for_each(drop);
    pauses.reset();
    assert!(pauses.next() > Some(FIRST), "a success alone is no quiet");
    tokio::time::advance(QUIET + Duration::from_secs(1)).await;
    assert!(pauses.next() <= Some(FIRST));
}
