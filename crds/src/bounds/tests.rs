use super::clip;

#[test]
fn a_short_text_is_not_cut() {
    assert_eq!(clip("abc", 3), "abc");
}

#[test]
fn a_long_text_ends_with_an_ellipsis_within_the_limit() {
    assert_eq!(clip("äöüß", 3), "äö…");
}
