use super::*;

#[test]
fn the_next_operator_of_a_round_is_tried_at_once() {
    assert_eq!(Pauses::default().after(false, true), None);
}

#[test]
fn pauses_double_up_to_the_longest_and_begin_anew_when_somebody_has_served() {
    let mut pauses = Pauses::default();
    let whole = [50, 100, 200, 400, 800, 1000, 1000];
    for whole in whole.map(Duration::from_millis) {
        let pause = pauses.after(false, false).unwrap();
        assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
    }
    // Whoever served may be gone for good: nobody is tried without a pause, whatever is left of the round.
    assert!(pauses.after(true, true).unwrap() <= FIRST);
}
