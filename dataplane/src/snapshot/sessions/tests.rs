use std::convert::Infallible;

use super::*;

const AGENT: [u8; 16] = [1; 16];

fn opened(endpoint: &str) -> Opened {
    Opened { id: Some(HeaderValue::from_static("id")), endpoint: endpoint.to_owned(), revision: Revision::R20251125 }
}

async fn reopen(sessions: &LegacySessions, lost: &Arc<Opened>, endpoint: &str) -> Option<Result<(), Infallible>> {
    sessions.reopen(&AGENT, lost, async { Ok(opened(endpoint)) }).await.map(|opened| opened.map(drop))
}

fn endpoint(sessions: &LegacySessions) -> Option<String> {
    sessions.reopened(&AGENT).map(|opened| opened.endpoint.clone())
}

#[tokio::test]
async fn an_unused_session_is_opened_anew_once_for_all_that_lost_it() {
    let sessions = LegacySessions::default();
    let lost = Arc::new(opened("lost"));
    sessions.begun(AGENT);
    assert_eq!(endpoint(&sessions), None);
    assert!(reopen(&sessions, &lost, "new").await.is_some());
    assert!(reopen(&sessions, &lost, "newer").await.is_some(), "who lost the first is served by the second");
    assert_eq!(endpoint(&sessions).as_deref(), Some("new"));
}

#[tokio::test]
async fn a_session_that_was_used_or_is_not_known_is_lost() {
    let sessions = LegacySessions::default();
    let lost = Arc::new(opened("lost"));
    assert!(reopen(&sessions, &lost, "new").await.is_none());
    sessions.begun(AGENT);
    sessions.used(&AGENT);
    assert!(reopen(&sessions, &lost, "new").await.is_none());
    assert_eq!(endpoint(&sessions), None);
}

#[tokio::test]
async fn the_session_that_stands_for_a_lost_one_stays_and_is_not_replaced() {
    let sessions = LegacySessions::default();
    sessions.begun(AGENT);
    assert!(reopen(&sessions, &Arc::new(opened("lost")), "new").await.is_some());
    sessions.used(&AGENT);
    let new = sessions.reopened(&AGENT).unwrap();
    assert!(reopen(&sessions, &new, "newer").await.is_none());
    assert_eq!(endpoint(&sessions).as_deref(), Some("new"));
}

#[tokio::test]
async fn where_no_new_session_is_to_be_had_the_next_call_may_try() {
    let sessions = LegacySessions::default();
    let lost = Arc::new(opened("lost"));
    sessions.begun(AGENT);
    let failed = sessions.reopen(&AGENT, &lost, async { Err::<Opened, _>("no") }).await;
    assert!(matches!(failed, Some(Err("no"))));
    assert!(reopen(&sessions, &lost, "new").await.is_some());
    assert_eq!(endpoint(&sessions).as_deref(), Some("new"));
}

#[tokio::test]
async fn who_comes_while_the_session_is_opened_waits_for_it() {
    let sessions = LegacySessions::default();
    let lost = Arc::new(opened("lost"));
    sessions.begun(AGENT);
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let slow = async {
        let _ = may_go.await;
        Ok::<_, Infallible>(opened("new"))
    };
    let mut first = std::pin::pin!(sessions.reopen(&AGENT, &lost, slow));
    assert!(futures::poll!(first.as_mut()).is_pending());
    let mut second = std::pin::pin!(reopen(&sessions, &lost, "newer"));
    assert!(futures::poll!(second.as_mut()).is_pending());
    go.send(()).unwrap();
    assert!(first.await.is_some() && second.await.is_some());
    assert_eq!(endpoint(&sessions).as_deref(), Some("new"));
}
