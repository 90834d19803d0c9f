use std::sync::atomic::{AtomicUsize, Ordering};

use portolan_config::proto;

use super::*;
use crate::upstream::tests::server::{Reply, Server, answer, json};

/// A key of the right form.
pub(super) const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;

fn set() -> String {
    format!(r#"{{"keys":[{KEY}]}}"#)
}

fn source(server: &Server) -> Source {
    let (host, port) = (server.address.ip().to_string(), server.address.port().into());
    let remote = proto::Remote { host, port, tls: false, tls_hostname: String::new() };
    let published = proto::PublishedKeys {
        remote: Some(remote),
        authority: server.address.to_string(),
        path: "/keys?all".to_owned(),
    };
    Source::parse(&published).unwrap()
}

fn means(limits: Limits) -> Means {
    let dialer = Arc::new(Dialer::with_roots(Vec::new(), true, rustls::RootCertStore::empty()));
    let metrics = Metrics::new(&limits);
    Means { dialer, limits, metrics, hasten: Hasten::default() }
}

fn asking(source: Source, limits: Limits) -> Asking {
    let means = means(limits);
    Asking {
        upstream: Upstream::new(source.upstream(), 0, Arc::clone(&means.dialer)),
        source,
        means,
        wanted: Arc::new(Notify::new()),
        tried: Arc::default(),
        fetched: mpsc::channel(1).0,
        at_once: Arc::new(Semaphore::new(1)),
    }
}

async fn word_for(reply: impl Fn() -> String + Send + Sync + 'static) -> &'static str {
    let mut server = Server::start(move |_, _| Reply::Last(reply())).await;
    let asking = asking(source(&server), Limits::default());
    let outcome = asking.source.fetch(&asking.upstream, &asking.means.limits).await;
    let seen = server.seen();
    let asked = seen.iter().filter(|event| matches!(event, crate::upstream::tests::server::Event::Request(_))).count();
    assert_eq!(asked, 1, "asked once, and nobody else: {seen:?}");
    outcome.map_or_else(|fault| fault.word(), |_| "ok")
}

#[tokio::test]
async fn a_published_set_is_fetched_at_once_from_where_the_policy_says() {
    let mut server = Server::start(|_, _| Reply::Text(json(&set()))).await;
    let (mut fetcher, mut fetched) = Fetcher::new(means(Limits::default()));
    fetcher.assign(vec![source(&server)], |_| false);
    assert!(!fetcher.all_tried());
    let got = fetched.recv().await.unwrap();
    assert_eq!(*got.url, format!("http://{}/keys?all", server.address));
    assert_eq!(got.document.unwrap(), set());
    assert!(fetcher.all_tried());
    let request = server.next_request().await;
    assert!(request.starts_with("GET /keys?all HTTP/1.1\r\n"), "{request}");
    fetcher.assign(Vec::new(), |_| false);
    assert!(fetcher.all_tried());
}

#[tokio::test]
async fn nobody_waits_for_a_set_that_is_known() {
    let server = Server::start(|_, _| Reply::Text(String::new())).await;
    let (mut fetcher, _fetched) = Fetcher::new(means(Limits::default()));
    fetcher.assign(vec![source(&server)], |_| true);
    assert!(fetcher.all_tried());
}

#[tokio::test]
async fn what_is_no_usable_set_is_a_fault_and_leads_nowhere_else() {
    let keys = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec![KEY; count].join(","));
    assert_eq!(word_for(|| json(&set())).await, "ok");
    assert_eq!(word_for(|| answer("404 Not Found", "", "")).await, "status");
    assert_eq!(word_for(|| answer("500 Internal Server Error", "", &set())).await, "status");
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = "location: http://169.254.169.254/latest/meta-data/\r\n";
        assert_eq!(word_for(move || answer(status, to, "")).await, "status", "{status}");
    }
    assert_eq!(word_for(|| json(&" ".repeat(10 << 20))).await, "too_large");
    assert_eq!(word_for(|| json("<html>")).await, "unusable");
    assert_eq!(word_for(move || json(&keys(65))).await, "unusable");
    assert_eq!(word_for(|| json(r#"{"keys":[]}"#)).await, "unusable");
    assert_eq!(word_for(|| json(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#)).await, "unusable");
    assert_eq!(word_for(|| answer("200 OK", "content-encoding: gzip\r\n", "")).await, "protocol");
    assert_eq!(word_for(String::new).await, "closed");
}

#[tokio::test]
async fn an_address_that_may_not_be_dialled_is_not() {
    let server = Server::json("{}").await;
    let strict = Dialer::with_roots(Vec::new(), false, rustls::RootCertStore::empty());
    let source = source(&server);
    let upstream = Upstream::new(source.upstream(), 0, Arc::new(strict));
    let fault = source.fetch(&upstream, &Limits::default()).await.unwrap_err();
    assert_eq!(fault.word(), "forbidden");
}

#[tokio::test]
async fn any_number_of_unknown_keys_is_one_fetch_in_an_interval() {
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    let server = Server::start(move |_, _| {
        asked.fetch_add(1, Ordering::SeqCst);
        Reply::Text(json(&set()))
    })
    .await;
    let means = means(Limits { jwks_refetch: Duration::from_secs(3600), ..Limits::default() });
    let hasten = means.hasten.clone();
    let (mut fetcher, mut fetched) = Fetcher::new(means);
    let source = source(&server);
    let url = Arc::clone(&source.url);
    fetcher.assign(vec![source], |_| false);
    fetched.recv().await.unwrap();
    for _ in 0..5_000 {
        hasten.ask(&url);
    }
    fetched.recv().await.unwrap();
    for _ in 0..5_000 {
        hasten.ask(&url);
        hasten.ask("http://169.254.169.254/");
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), fetched.recv()).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_next_wish_is_heard_when_the_interval_is_over() {
    let server = Server::json("{}").await;
    let limits = Limits::default();
    let asking = asking(source(&server), limits.clone());
    let begun = Instant::now();
    let mut hastened = None;
    asking.wanted.notify_one();
    asking.rest(limits.jwks_refresh, &mut hastened).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "the first is heard at once");
    asking.wanted.notify_one();
    asking.rest(limits.jwks_refresh, &mut hastened).await;
    assert_eq!(begun.elapsed(), limits.jwks_refetch);
    asking.rest(limits.jwks_refresh, &mut hastened).await;
    assert_eq!(begun.elapsed(), limits.jwks_refetch + limits.jwks_refresh, "without a wish, when it is time");
}

#[tokio::test]
async fn an_issuer_that_fails_is_asked_soon_and_then_less_often() {
    let server = Server::json("{}").await;
    let limits = Limits::default();
    let asking = asking(source(&server), limits.clone());
    let pauses = [0, 1, 2, 3, 60].map(|failures| asking.pause(failures));
    assert_eq!(pauses[..4], [limits.jwks_refresh, FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]);
    assert_eq!(pauses[4], limits.jwks_refetch);
}
