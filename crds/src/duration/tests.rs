use std::time;

use super::Duration;

fn parsed(text: &str) -> Option<time::Duration> {
    Duration::new(text).parse().ok()
}

#[test]
fn every_unit_is_read() {
    assert_eq!(parsed("2h"), Some(time::Duration::from_secs(7200)));
    assert_eq!(parsed("1h30m"), Some(time::Duration::from_secs(5400)));
    assert_eq!(parsed("15s"), Some(time::Duration::from_secs(15)));
    assert_eq!(parsed("1s250ms"), Some(time::Duration::from_millis(1250)));
    assert_eq!(parsed("0s"), Some(time::Duration::ZERO));
}

#[test]
fn what_the_grammar_lacks_is_refused() {
    for text in
        ["", "1", "s", "1d", "1.5h", "-1s", "+1s", " 1s", "1s ", "1 s", "100000s", "1h1m1s1ms1h", "1S", "1µs", "1s1"]
    {
        assert_eq!(parsed(text), None, "{text:?}");
    }
}

#[test]
fn the_largest_duration_does_not_overflow() {
    assert_eq!(parsed("99999h99999h99999h99999h"), Some(time::Duration::from_secs(99_999 * 4 * 3600)));
}

#[test]
fn an_error_shows_the_text_cut() {
    let error = Duration::new("x".repeat(1000)).parse().unwrap_err().to_string();
    assert!(error.len() < 200 && error.contains("is not a duration"), "{error}");
}

#[test]
fn durations_are_written_in_the_largest_units_first() {
    let written = |milliseconds| Duration::from(time::Duration::from_millis(milliseconds)).to_string();
    assert_eq!(written(41), "41ms");
    assert_eq!(written(90_061_001), "25h1m1s1ms");
    assert_eq!(written(0), "0s");
    assert_eq!(Duration::from(time::Duration::MAX).to_string(), "99999h");
}
