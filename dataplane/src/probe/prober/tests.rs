use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portolan_config::{Kind, Name, Version};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::Prober;
use crate::probe::Finding;
use crate::probe::tests::{DISCOVERED, JSON, Script, TOOLS, UNKNOWN, method, target};
use crate::upstream::Endpoint;
use crate::upstream::tests::server::{Event, Reply, Server, answer, json};

const OFTEN: Duration = Duration::from_millis(20);

async fn next(findings: &mut Receiver<Finding>) -> Finding {
    timeout(Duration::from_secs(5), findings.recv()).await.expect("nothing was found").expect("the prober is there")
}

/// A modern server that can be switched over to something else.
async fn switched(other: &'static str) -> (Server, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let read = Arc::clone(&switch);
    let server = Server::start(move |_, request| {
        Reply::Text(match method(request).as_str() {
            _ if other.is_empty() && read.load(Ordering::SeqCst) => answer("500 Oops", "", ""),
            "server/discover" => json(DISCOVERED),
            "tools/list" if read.load(Ordering::SeqCst) => json(other),
            "tools/list" => json(TOOLS),
            _ => answer("404 Not Found", JSON, UNKNOWN),
        })
    })
    .await;
    (server, switch)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_as_it_is_is_told_once() {
    let server = Server::json("{}").await;
    let target = target(&server);
    target.upstream.set_endpoints(&[]);
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target]);
    assert!(!prober.all_tried());
    assert_eq!(next(&mut findings).await.report.reason, "NoEndpoints");
    assert!(prober.all_tried());
    let more = timeout(Duration::from_secs(24 * 3600), findings.recv()).await;
    assert!(more.is_err(), "a day of the same is no news");
}

#[tokio::test]
async fn a_server_gets_looked_at_as_soon_as_it_has_endpoints() {
    let server = Script::modern().start().await;
    let target = target(&server);
    target.upstream.set_endpoints(&[]);
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target.clone()]);
    assert_eq!(next(&mut findings).await.report.reason, "NoEndpoints");
    target.upstream.set_endpoints(&[Endpoint { address: server.address, ready: true }]);
    assert!(next(&mut findings).await.report.verified);
}

#[tokio::test]
async fn a_changed_list_is_told_without_being_asked_for() {
    let (mut server, switch) = switched(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#).await;
    let mut target = target(&server);
    target.timing.interval = OFTEN;
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target]);
    let first = next(&mut findings).await;
    for _ in 0..9 {
        server.next_request().await;
    }
    assert!(findings.try_recv().is_err(), "three looks, one finding");
    switch.store(true, Ordering::SeqCst);
    let second = next(&mut findings).await;
    assert_ne!(first.report.digest, second.report.digest);
    assert_eq!((first.chunks.len(), second.chunks.len()), (1, 0));
}

#[tokio::test]
async fn a_server_in_doubt_is_looked_at_before_its_time() {
    let (server, switch) = switched(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#).await;
    let mut target = target(&server);
    target.timing.interval = Duration::from_hours(1);
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target.clone()]);
    let first = next(&mut findings).await;
    switch.store(true, Ordering::SeqCst);
    target.upstream.doubt();
    assert_ne!(next(&mut findings).await.report.digest, first.report.digest);
}

#[tokio::test]
async fn a_server_that_fails_is_told_and_so_is_its_return() {
    let (server, switch) = switched("").await;
    let mut target = target(&server);
    target.timing.interval = OFTEN;
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target]);
    assert!(next(&mut findings).await.report.verified);
    switch.store(true, Ordering::SeqCst);
    let failed = next(&mut findings).await;
    assert!(!failed.report.verified && failed.report.reason == "Unreachable");
    switch.store(false, Ordering::SeqCst);
    assert!(next(&mut findings).await.report.verified);
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up() {
    let stuck = Server::start(|_, _| Reply::Text(String::new())).await;
    let fine = Script::modern().start().await;
    let mut slow = target(&stuck);
    slow.name = Name::new(Kind::Server, "shop", "slow");
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![slow, target(&fine)]);
    assert!(next(&mut findings).await.report.verified);
    assert!(!prober.all_tried(), "the slow one was not tried to the end");
}

#[tokio::test]
async fn a_server_that_is_no_longer_assigned_is_left_alone_at_once() {
    let mut stuck = Server::start(|_, _| Reply::Text(String::new())).await;
    let (mut prober, _findings) = Prober::new();
    prober.assign(vec![target(&stuck)]);
    stuck.next_request().await;
    prober.assign(vec![]);
    stuck.closed().await;
    assert!(prober.all_tried(), "nothing is left to try");
}

#[tokio::test]
async fn an_edited_server_is_looked_at_again_at_once_and_an_unedited_one_is_not() {
    let mut server = Script::modern().start().await;
    let mut target = target(&server);
    let (mut prober, mut findings) = Prober::new();
    prober.assign(vec![target.clone()]);
    let first = next(&mut findings).await;
    let looks = server.seen().len();
    prober.assign(vec![target.clone()]);
    tokio::task::yield_now().await;
    // Only that the look's connection ends may be seen.
    assert!(looks > 0 && !server.seen().iter().any(|event| matches!(event, Event::Request(_))));
    target.version = Version::of(b"2");
    prober.assign(vec![target]);
    let second = next(&mut findings).await;
    assert_ne!(first.report.server_version, second.report.server_version);
    assert_eq!(first.report.digest, second.report.digest);
}
