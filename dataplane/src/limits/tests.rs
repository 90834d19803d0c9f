use super::*;

#[test]
fn the_table_has_a_row_for_every_bound() {
    let table = Limits::default().table();
    assert_eq!(table.lines().count(), 2 + Limits::default().rows().len());
    assert!(table.contains("| first byte of a connection | 5s |"));
    assert!(table.contains("| head of a request: bytes | 32Ki |"));
    assert!(table.contains("| body of a request: bytes | 4Mi |"));
}

#[test]
fn no_bound_is_open() {
    for (what, value) in Limits::default().rows() {
        assert!(!value.starts_with('0'), "{what} is {value}");
    }
}
