use k8s_openapi::jiff::Timestamp;

use super::{ConditionType, Finding, get, holds, remove, set};
use crate::Reason;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn accepted() -> Finding {
    Finding::holds(ConditionType::Accepted, Reason::Accepted, "fine")
}

fn refused() -> Finding {
    Finding::fails(ConditionType::Accepted, Reason::Invalid, "spec.path: must begin with '/'")
}

#[test]
fn the_first_condition_is_a_change() {
    let mut conditions = Vec::new();
    assert!(set(&mut conditions, accepted().at(Some(1), at(10))));
    assert!(holds(&conditions, ConditionType::Accepted));
    assert!(!holds(&conditions, ConditionType::Programmed));
}

#[test]
fn the_same_finding_later_is_no_change() {
    let mut conditions = Vec::new();
    set(&mut conditions, accepted().at(Some(1), at(10)));
    assert!(!set(&mut conditions, accepted().at(Some(1), at(20))));
    assert_eq!(conditions[0].last_transition_time.0, at(10));
}

#[test]
fn a_new_generation_is_a_change_but_no_transition() {
    let mut conditions = Vec::new();
    set(&mut conditions, accepted().at(Some(1), at(10)));
    assert!(set(&mut conditions, accepted().at(Some(2), at(20))));
    assert_eq!(conditions[0].last_transition_time.0, at(10));
    assert_eq!(conditions[0].observed_generation, Some(2));
}

#[test]
fn a_flip_is_a_transition() {
    let mut conditions = Vec::new();
    set(&mut conditions, accepted().at(Some(1), at(10)));
    assert!(set(&mut conditions, refused().at(Some(2), at(20))));
    assert_eq!(conditions.len(), 1);
    assert_eq!(conditions[0].last_transition_time.0, at(20));
    assert_eq!(get(&conditions, ConditionType::Accepted).unwrap().reason, "Invalid");
}

#[test]
fn a_condition_is_removed_once() {
    let mut conditions = vec![accepted().at(None, at(10))];
    assert!(remove(&mut conditions, ConditionType::Accepted));
    assert!(!remove(&mut conditions, ConditionType::Accepted));
}

#[test]
fn a_condition_is_equal_to_itself_after_a_round_trip() {
    let now = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
    let condition = accepted().at(Some(1), now);
    let read = serde_json::from_value(serde_json::to_value(&condition).unwrap()).unwrap();
    assert_eq!(condition, read);
}

#[test]
fn reasons_are_words_that_the_api_server_takes() {
    for reason in Reason::ALL {
        assert!(reason.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()), "{reason}");
    }
}
