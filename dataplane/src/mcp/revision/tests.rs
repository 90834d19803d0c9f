use super::*;

#[test]
fn a_revision_reads_back_from_its_name() {
    for revision in SUPPORTED {
        assert_eq!(revision.as_str().parse(), Ok(revision));
    }
    assert_eq!("2025-11-26".parse::<Revision>(), Err(UnknownRevision));
}

#[test]
fn revisions_are_listed_newest_first_and_order_by_age() {
    assert!(SUPPORTED.is_sorted_by(|newer, older| newer > older));
}

#[test]
fn initialize_never_negotiates_a_modern_revision() {
    assert_eq!(Revision::negotiate("2025-03-26"), Revision::R20250326);
    assert_eq!(Revision::negotiate("2026-07-28"), Revision::R20251125);
    assert_eq!(Revision::negotiate("2099-01-01"), Revision::R20251125);
    assert_eq!(Revision::negotiate(""), Revision::R20251125);
}
