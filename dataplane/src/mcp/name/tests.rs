use proptest::prelude::*;

use sha2::{Digest as _, Sha256};

use super::*;

#[test]
fn a_name_is_prefix_underscore_name_with_other_characters_replaced() {
    assert_eq!(exposed("gh", "search_code"), "gh_search_code");
    assert_eq!(exposed("my.team", "a/b c\u{200b}é"), "my_team_a_b_c__");
    assert_eq!(exposed("", "a/b c"), "a/b c", "without a prefix names pass unchanged");
}

#[test]
fn a_long_name_is_cut_with_the_hash_of_the_whole() {
    let exact = exposed("p", &"x".repeat(62));
    assert_eq!((exact.len(), exact.as_str()), (64, format!("p_{}", "x".repeat(62)).as_str()));
    let long = exposed("p", &"x".repeat(63));
    let hash = hex::encode(Sha256::digest(format!("p_{}", "x".repeat(63)).as_bytes()));
    assert_eq!(long, format!("p_{}_{}", "x".repeat(53), &hash[..8]));
    assert_ne!(long, exposed("p", &"x".repeat(64)), "names that differ at the end stay apart");
}

#[test]
fn one_name_cannot_pass_for_another_servers_by_case_or_look() {
    let name = exposed("a", "search");
    for other in
        [exposed("a", "Search"), exposed("A", "search"), exposed("a", "se\u{430}rch"), exposed("a", "search\u{200b}")]
    {
        assert_ne!(name, other);
    }
    // Where two do meet, the route's rule for conflicts decides.
    assert_eq!(exposed("a_b", "c"), exposed("a", "b_c"));
    assert_eq!(exposed("a", "e\u{301}").len(), exposed("a", "\u{e9}").len() + 1);
}

proptest! {
    #[test]
    fn every_prefixed_name_is_one_that_models_take(prefix in "[a-z]{1,20}", own in any::<String>()) {
        let name = exposed(&prefix, &own);
        prop_assert!(!name.is_empty() && name.len() <= 64);
        prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
        prop_assert_eq!(name, exposed(&prefix, &own));
    }
}
