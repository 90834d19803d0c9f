use super::*;

fn lease(holder: Option<&str>, epoch: u64, version: &str) -> Lease {
    Lease { holder: holder.map(str::to_owned), epoch, term: TERM, version: version.to_owned() }
}

/// A candidate, and a clock that its test moves.
struct Play {
    candidate: Candidate,
    now: Instant,
}

impl Play {
    fn new() -> Self {
        let now = Instant::now();
        Self { candidate: Candidate::new("me".to_owned(), now), now }
    }

    /// Expects this call after so many milliseconds, and answers it.
    fn expects(&mut self, after: u64, call: &Call, answer: Answer) {
        self.now += Duration::from_millis(after);
        assert_eq!(self.candidate.next(self.now).as_ref(), Some(call));
        self.candidate.answered(answer, self.now, self.now);
    }

    fn tenure(&self) -> Tenure {
        self.candidate.tenure(self.now)
    }

    /// The lease is free, and is taken.
    fn takes_it(&mut self) {
        self.expects(0, &Call::Read, Answer::Seen(None));
        self.expects(0, &write(Some("me"), 1, None), Answer::Written(lease(Some("me"), 1, "1")));
    }
}

fn write(holder: Option<&str>, epoch: u64, over: Option<&str>) -> Call {
    Call::Write(Draft { holder: holder.map(str::to_owned), epoch, over: over.map(str::to_owned) })
}

#[test]
fn a_free_lease_is_taken_and_renewed_in_time() {
    let mut play = Play::new();
    play.takes_it();
    assert_eq!(play.tenure(), Tenure::Holder { epoch: 1, until: play.now + TERM - MARGIN });
    assert_eq!(play.candidate.next(play.now + RENEWAL / 2), None);
    play.expects(1500, &write(Some("me"), 1, Some("1")), Answer::Written(lease(Some("me"), 1, "2")));
    assert_eq!(play.tenure(), Tenure::Holder { epoch: 1, until: play.now + TERM - MARGIN });
}

#[test]
fn a_tenure_counts_from_before_its_write_was_sent() {
    let mut play = Play::new();
    play.expects(0, &Call::Read, Answer::Seen(None));
    let sent = play.now;
    let late = sent + Duration::from_secs(4);
    play.candidate.answered(Answer::Written(lease(Some("me"), 1, "1")), sent, late);
    assert_eq!(play.candidate.tenure(late), Tenure::Holder { epoch: 1, until: sent + TERM - MARGIN });
}

#[test]
fn a_stand_by_looks_twice_a_second_and_names_the_holder() {
    let mut play = Play::new();
    play.expects(0, &Call::Read, Answer::Seen(Some(lease(Some("other"), 3, "7"))));
    assert_eq!(play.candidate.next(play.now), None);
    assert_eq!(play.candidate.due(), play.now + LOOK);
    assert_eq!(play.tenure(), Tenure::StandBy { holder: Some("other".to_owned()) });
    play.expects(500, &Call::Read, Answer::Seen(Some(lease(None, 3, "8"))));
    play.expects(0, &write(Some("me"), 4, Some("8")), Answer::Conflict);
    play.expects(0, &Call::Read, Answer::Seen(Some(lease(Some("third"), 4, "9"))));
    assert_eq!(play.tenure(), Tenure::StandBy { holder: Some("third".to_owned()) });
}

#[test]
fn a_write_without_an_answer_is_looked_after_and_ours_if_it_happened() {
    let mut play = Play::new();
    play.expects(0, &Call::Read, Answer::Seen(None));
    play.expects(0, &write(Some("me"), 1, None), Answer::Failed);
    assert_eq!(play.tenure(), Tenure::StandBy { holder: None });
    play.expects(500, &Call::Read, Answer::Seen(Some(lease(Some("me"), 1, "1"))));
    play.expects(0, &write(Some("me"), 1, Some("1")), Answer::Written(lease(Some("me"), 1, "2")));
    assert!(matches!(play.tenure(), Tenure::Holder { epoch: 1, .. }));
}

#[test]
fn a_holder_that_is_cut_off_serves_on_until_it_sees_a_later_epoch() {
    let mut play = Play::new();
    play.takes_it();
    play.expects(1500, &write(Some("me"), 1, Some("1")), Answer::Failed);
    for _ in 0..120 {
        play.expects(500, &Call::Read, Answer::Failed);
    }
    assert!(matches!(play.tenure(), Tenure::CutOff { epoch: 1, .. }));
    play.expects(500, &Call::Read, Answer::Seen(Some(lease(Some("other"), 2, "9"))));
    assert_eq!(play.tenure(), Tenure::StandBy { holder: Some("other".to_owned()) });
}

#[test]
fn a_holder_that_nobody_followed_goes_on_in_its_epoch() {
    let mut play = Play::new();
    play.takes_it();
    play.now += Duration::from_secs(60);
    assert!(matches!(play.tenure(), Tenure::CutOff { epoch: 1, .. }));
    play.expects(0, &write(Some("me"), 1, Some("1")), Answer::Written(lease(Some("me"), 1, "2")));
    assert!(matches!(play.tenure(), Tenure::Holder { epoch: 1, .. }));
}

#[test]
fn an_api_server_that_was_away_makes_nobody_take_the_lease() {
    let mut play = Play::new();
    let held = || Answer::Seen(Some(lease(Some("other"), 3, "7")));
    play.expects(0, &Call::Read, held());
    play.candidate.next(play.now);
    play.expects(60_000, &Call::Read, held());
    assert_eq!(play.candidate.next(play.now), None, "it was unchanged, but nobody watched");
    for _ in 0..11 {
        play.expects(500, &Call::Read, held());
        assert_eq!(play.candidate.next(play.now), None);
    }
    play.expects(500, &Call::Read, held());
    assert_eq!(play.candidate.next(play.now), Some(write(Some("me"), 4, Some("7"))));
}

#[test]
fn gateways_are_sent_to_look_around_less_and_less_often() {
    let seconds = |round: u32| (0..).find(|second| rounds(Duration::from_secs(*second)) == round).unwrap();
    assert_eq!([1, 2, 3, 4, 5, 6, 7].map(seconds), [2, 6, 14, 30, 62, 122, 182]);
}

#[test]
fn a_claim_of_a_gateway_makes_a_holder_look_and_go_beyond() {
    let mut play = Play::new();
    play.takes_it();
    play.candidate.claimed(7, play.now);
    play.expects(0, &Call::Read, Answer::Seen(Some(lease(Some("me"), 1, "1"))));
    play.expects(0, &write(Some("me"), 8, Some("1")), Answer::Written(lease(Some("me"), 8, "2")));
    assert!(matches!(play.tenure(), Tenure::Holder { epoch: 8, .. }));
    play.candidate.claimed(u64::MAX, play.now);
    assert_eq!(play.candidate.next(play.now), None, "no fleet has reached that");
}

#[test]
fn who_leaves_holds_nothing_before_the_lease_is_vacated() {
    let mut play = Play::new();
    play.takes_it();
    play.candidate.leave(play.now);
    assert_eq!(play.tenure(), Tenure::StandBy { holder: None });
    assert!(play.candidate.is_named());
    play.expects(0, &write(None, 1, Some("1")), Answer::Conflict);
    play.expects(0, &Call::Read, Answer::Seen(Some(lease(Some("me"), 1, "2"))));
    play.expects(0, &write(None, 1, Some("2")), Answer::Written(lease(None, 1, "3")));
    assert!(!play.candidate.is_named());
}

#[test]
fn a_renewal_that_is_answered_after_leaving_gives_nothing_back() {
    let mut play = Play::new();
    play.takes_it();
    play.now += RENEWAL;
    assert!(play.candidate.next(play.now).is_some());
    play.candidate.leave(play.now);
    play.candidate.answered(Answer::Written(lease(Some("me"), 1, "2")), play.now, play.now);
    assert_eq!(play.tenure(), Tenure::StandBy { holder: None });
    assert!(play.candidate.is_named());
}
