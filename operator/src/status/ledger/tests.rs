use serde_json::json;

use super::*;
use crate::{fixtures::key, object::ObjectKind};

fn update(status: &str, version: &str) -> Update {
    Update {
        object: key(ObjectKind::McpRoute, "r"),
        uid: None,
        version: Some(version.to_owned()),
        malformed: false,
        status: json!(status),
        transitions: Vec::new(),
    }
}

fn over(version: &str) -> Verdict {
    Verdict::Write(Some(version.to_owned()))
}

/// `status` was written over `1` and made `2`.
fn wrote(status: &str, now: Instant) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.written(update(status, "1"), Some("1".into()), Some("2".into()), now);
    ledger
}

#[test]
fn a_write_goes_over_the_version_that_it_was_made_for() {
    let now = Instant::now();
    assert_eq!(Ledger::default().judge(&update("a", "1"), now), over("1"));
    assert_eq!(wrote("a", now).judge(&update("b", "2"), now), over("2"), "the echo is here");
    assert_eq!(wrote("a", now).judge(&update("b", "9"), now), over("9"), "somebody else wrote");
}

#[test]
fn while_the_echo_is_on_its_way_the_next_write_goes_over_our_own() {
    let now = Instant::now();
    let mut ledger = wrote("a", now);
    assert_eq!(ledger.judge(&update("a", "1"), now), Verdict::Skip);
    assert_eq!(ledger.judge(&update("b", "1"), now), over("2"));
    ledger.written(update("b", "1"), Some("2".into()), Some("3".into()), now);
    assert_eq!(ledger.judge(&update("c", "1"), now), over("3"));
    assert_eq!(ledger.judge(&update("c", "2"), now), over("3"));
    assert_eq!(ledger.judge(&update("c", "3"), now), over("3"));
}

#[test]
fn an_object_that_came_after_one_of_its_name_has_no_past() {
    let now = Instant::now();
    let successor = Update { uid: Some("other".into()), ..update("a", "7") };
    assert_eq!(wrote("a", now).judge(&successor, now), over("7"));
}

#[test]
fn a_status_that_the_api_server_keeps_otherwise_is_written_once() {
    let now = Instant::now();
    assert_eq!(wrote("a", now).judge(&update("a", "2"), now + Duration::from_secs(3600)), Verdict::Skip);
}

#[test]
fn a_status_that_somebody_overwrites_is_written_again_less_and_less_often() {
    let mut now = Instant::now();
    let mut ledger = wrote("a", now);
    for (version, pause) in [("4", 1), ("6", 2), ("8", 4), ("10", 8)] {
        let again = now + Duration::from_secs(pause);
        assert_eq!(ledger.judge(&update("a", version), now), Verdict::Later(again));
        assert_eq!(ledger.judge(&update("b", version), now), over(version), "what is new waits for nothing");
        now = again;
        assert_eq!(ledger.judge(&update("a", version), now), over(version));
        ledger.written(update("a", version), Some(version.into()), Some(format!("{version}0")), now);
    }
}

#[test]
fn a_new_time_alone_is_nothing_new() {
    let at = |second: u8, reason: &str, version: &str| {
        let condition = json!({"reason": reason, "lastTransitionTime": format!("2026-11-25T12:00:{second:02}Z")});
        Update { status: json!({"parents": [{"conditions": [condition]}]}), ..update("", version) }
    };
    let mut now = Instant::now();
    let mut ledger = Ledger::default();
    ledger.written(at(0, "Programmed", "1"), Some("1".into()), Some("2".into()), now);
    assert_eq!(ledger.judge(&at(1, "Programmed", "3"), now), Verdict::Later(now + Duration::from_secs(1)));
    now += Duration::from_secs(1);
    ledger.written(at(2, "Programmed", "3"), Some("3".into()), Some("4".into()), now);
    assert_eq!(ledger.judge(&at(3, "Programmed", "5"), now), Verdict::Later(now + Duration::from_secs(2)));
    assert_eq!(ledger.judge(&at(3, "Held", "5"), now), over("5"));
}
