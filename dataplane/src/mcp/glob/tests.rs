use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, name: &str) -> bool {
    GlobSet::new([pattern]).matches(name)
}

#[test]
fn a_star_stands_for_any_run_of_characters() {
    for (pattern, name) in [
        ("*", ""),
        ("*", "a"),
        ("a*", "a"),
        ("a*", "abc"),
        ("*c", "abc"),
        ("a*c", "ac"),
        ("a*c", "abbc"),
        ("*b*", "abc"),
        ("a**c", "abc"),
        ("*a*b*", "xaxbx"),
    ] {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [
        ("", "a"),
        ("a", "ab"),
        ("a*", "ba"),
        ("*c", "cb"),
        ("a*a", "a"),
        ("ab*ba", "aba"),
        ("*ab*ab*", "ab"),
        ("a*b*c", "acb"),
        ("A*", "a"),
    ] {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

#[test]
fn nothing_but_the_star_is_special() {
    for literal in ["a?c", "a.c", "[abc]", "a|b", "a\\*".trim_end_matches('*'), "é"] {
        assert!(matches(literal, literal));
        assert!(!matches(literal, "abc"));
    }
}

#[test]
fn one_of_a_set_is_enough_and_an_empty_set_matches_nothing() {
    let set = GlobSet::new(["get_*", "list"]);
    assert!(set.matches("get_x") && set.matches("list") && !set.matches("lists"));
    assert!(GlobSet::default().is_empty() && !GlobSet::default().matches(""));
}

/// The definition: every way to share the name among the stars is tried.
fn plainly(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|taken| plainly(rest, &name[taken..])),
        Some((first, rest)) => name.split_first().is_some_and(|(head, tail)| head == first && plainly(rest, tail)),
    }
}

proptest! {
    #[test]
    fn matching_is_what_its_definition_says(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
        prop_assert_eq!(matches(&pattern, &name), plainly(pattern.as_bytes(), name.as_bytes()));
    }
}
