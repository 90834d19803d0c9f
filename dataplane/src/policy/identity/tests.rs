use serde_json::json;

use super::*;

#[test]
fn principals_differ_by_issuer_and_by_subject() {
    let key = |issuer, subject| *Identity::new(issuer, subject, json!({}), None).key();
    assert_ne!(key("https://a", "alice"), key("https://b", "alice"));
    assert_ne!(key("https://a", "alice"), key("https://a", "bob"));
    assert_ne!(key("https://a", "b"), key("https://", "ab"));
    assert_ne!(key("https://a", "anonymous"), *Identity::anonymous().key());
    assert_eq!(key("https://a", "alice"), key("https://a", "alice"));
}

#[test]
fn claims_are_never_printed() {
    let identity = Identity::new("https://a", "alice", json!({"ssn": "078-05-1120"}), None);
    assert!(!format!("{identity:?}").contains("078-05-1120"));
}
