use super::*;

const HEAD: &[u8] = b"POST /content-length: HTTP/1.1\r\nhost: x\r\nContent-LENGTH: 4\r\nx-content-length: 1\r\ncontent-length2: 1\r\ncontent-length:4\n\n";

#[test]
fn a_line_that_begins_with_the_field_is_counted_however_it_is_spelled() {
    assert_eq!(Lines::default().count(HEAD), 2);
    assert_eq!(Lines::default().count(b"content-length: 1"), 1);
    assert_eq!(Lines::default().count(b"\n\ncontent-length content-length:\rcontent-length:"), 0);
}

#[test]
fn where_the_bytes_are_cut_makes_no_difference() {
    for cut in 0..=HEAD.len() {
        let mut lines = Lines::default();
        assert_eq!(lines.count(&HEAD[..cut]) + lines.count(&HEAD[cut..]), 2, "{cut}");
    }
    let mut lines = Lines::default();
    assert_eq!(HEAD.iter().map(|byte| lines.count(&[*byte])).sum::<u32>(), 2);
}
