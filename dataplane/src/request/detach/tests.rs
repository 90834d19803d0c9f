use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

/// Work that begins when it is first polled and ends when it is told to.
fn work() -> (impl Future<Output = ()> + Send + 'static, oneshot::Sender<()>, oneshot::Receiver<()>) {
    let (go, may_go) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let work = async move {
        if may_go.await.is_ok() {
            let _ = done.send(());
        }
    };
    (work, go, is_done)
}

#[tokio::test]
async fn work_goes_on_when_nobody_waits_for_it_any_more() {
    let (work, go, is_done) = work();
    let mut detached = Detached::new(work);
    assert!(futures::poll!(&mut detached).is_pending());
    drop(detached);
    go.send(()).unwrap();
    timeout(PATIENCE, is_done).await.unwrap().unwrap();
}

#[tokio::test]
async fn abandoned_work_ends() {
    let (work, go, is_done) = work();
    let mut detached = Detached::new(work);
    assert!(futures::poll!(&mut detached).is_pending());
    detached.abandon();
    assert!(go.is_closed(), "it is gone at once");
    assert!(futures::poll!(&mut detached).is_pending());
    drop(detached);
    assert!(timeout(PATIENCE, is_done).await.unwrap().is_err());
}

#[tokio::test]
async fn work_that_is_done_gives_its_result_once() {
    let mut detached = Detached::new(std::future::ready(7));
    assert_eq!((&mut detached).await, 7);
    assert!(futures::poll!(&mut detached).is_pending());
}
