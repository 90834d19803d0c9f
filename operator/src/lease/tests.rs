use super::*;

fn lease(holder: Option<&str>, epoch: u64) -> Option<Lease> {
    Some(Lease { holder: holder.map(str::to_owned), epoch, term: TERM, version: "1".to_owned() })
}

/// What `me` decides when it has seen this for so many seconds.
fn decides(lease: Option<Lease>, highest: u64, seconds: u64) -> Decision {
    let since = Instant::now();
    evaluate(&Sight { lease, since, highest, first: false }, "me", since + Duration::from_secs(seconds))
}

#[test]
fn a_lease_of_nobody_is_taken_at_once_with_the_next_epoch() {
    assert_eq!(decides(lease(None, 4), 4, 0), Decision::Take { epoch: 5 });
    assert_eq!(decides(None, 0, 0), Decision::Take { epoch: 1 });
}

#[test]
fn a_lease_of_somebody_is_taken_when_it_was_unchanged_for_its_whole_term() {
    assert_eq!(decides(lease(Some("other"), 4), 4, 5), Decision::Follow);
    assert_eq!(decides(lease(Some("other"), 4), 4, 6), Decision::Take { epoch: 5 });
    let longer = lease(Some("other"), 4).map(|lease| Lease { term: Duration::from_secs(15), ..lease });
    assert_eq!(decides(longer.clone(), 4, 14), Decision::Follow);
    assert_eq!(decides(longer, 4, 15), Decision::Take { epoch: 5 });
}

#[test]
fn a_lease_that_was_deleted_is_made_anew_after_a_term_and_its_epochs_go_on() {
    assert_eq!(decides(None, 4, 5), Decision::Follow);
    assert_eq!(decides(None, 4, 6), Decision::Take { epoch: 5 });
}

#[test]
fn our_own_is_renewed_in_its_epoch_however_late_we_are() {
    assert_eq!(decides(lease(Some("me"), 4), 4, 60), Decision::Renew { epoch: 4 });
}

#[test]
fn a_higher_epoch_that_a_gateway_has_followed_is_gone_beyond() {
    assert_eq!(decides(lease(Some("me"), 1), 7, 0), Decision::Renew { epoch: 8 });
    assert_eq!(decides(lease(None, 1), 7, 0), Decision::Take { epoch: 8 });
}

#[test]
fn a_stream_ends_with_the_tenure_and_with_every_round_but_not_with_a_renewal() {
    let now = Instant::now();
    let holder = Tenure::Holder { epoch: 3, until: now };
    let cut_off = |rounds| Tenure::CutOff { epoch: 3, rounds };
    assert!(!holder.ends_under(&Tenure::Holder { epoch: 3, until: now + TERM }));
    assert!(!holder.ends_under(&cut_off(0)));
    assert!(holder.ends_under(&cut_off(1)));
    assert!(!cut_off(1).ends_under(&cut_off(1)));
    assert!(cut_off(1).ends_under(&cut_off(2)));
    assert!(!cut_off(2).ends_under(&holder), "the lease is ours again");
    assert!(holder.ends_under(&Tenure::StandBy { holder: None }));
}

#[test]
fn status_is_written_only_while_nobody_else_can_have_the_lease() {
    let now = Instant::now();
    let holder = Tenure::Holder { epoch: 3, until: now + MARGIN };
    assert!(Tenure::Alone.writes(now) && holder.writes(now));
    assert!(!holder.writes(now + MARGIN));
    for other in [Tenure::CutOff { epoch: 3, rounds: 0 }, Tenure::StandBy { holder: None }] {
        assert!(!other.writes(now), "{other:?}");
    }
}

#[test]
fn a_replica_that_was_restarted_takes_over_from_itself_but_only_when_it_begins() {
    let (now, before, me) = (Instant::now(), identity("operator-0", 1), identity("operator-0", 2));
    let sight = |first| Sight { lease: lease(Some(&before), 4), since: now, highest: 4, first };
    assert_eq!(evaluate(&sight(true), &me, now), Decision::Take { epoch: 5 });
    assert_eq!(
        evaluate(&sight(false), &me, now),
        Decision::Follow,
        "two of one name would take it from each other for ever"
    );
    assert_eq!(evaluate(&sight(true), &identity("operator-1", 3), now), Decision::Follow);
}
