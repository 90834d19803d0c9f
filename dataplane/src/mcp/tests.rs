//! The corpora of the fuzz targets, replayed through the targets' own properties, as they are and mutated.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../../fuzz/src/properties.rs"]
mod properties;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs a property on each file of a target's corpus, and says how many there were.
fn replay(target: &str, property: fn(&[u8])) -> usize {
    let files = corpus(target);
    for (path, data) in &files {
        let outcome = std::panic::catch_unwind(|| property(data));
        assert!(outcome.is_ok(), "{} breaks the property of {target}", path.display());
    }
    files.len()
}

#[test]
fn the_envelope_corpus_holds() {
    assert!(replay("envelope", properties::envelope) >= 30);
}

#[test]
fn the_session_corpus_holds() {
    assert!(replay("session", properties::session) >= 20);
}

#[test]
fn the_last_good_corpus_holds() {
    assert!(replay("last_good", properties::last_good) >= 40);
}

/// An entry of a corpus with a few of its parts replaced by parts of others.
fn crossed(corpus: &[(PathBuf, Vec<u8>)], entry: Index, grafts: &[(Index, Index, Index, Index, u8)]) -> Vec<u8> {
    let mut data = corpus[entry.index(corpus.len())].1.clone();
    for (place, donor, from, length, cut) in grafts {
        let donor = &corpus[donor.index(corpus.len())].1;
        let from = from.index(donor.len() + 1);
        let length = length.index((donor.len() - from).min(24) + 1);
        let place = place.index(data.len() + 1);
        let end = (place + usize::from(*cut % 8)).min(data.len());
        data.splice(place..end, donor[from..from + length].iter().copied());
    }
    data
}

fn grafts() -> impl Strategy<Value = Vec<(Index, Index, Index, Index, u8)>> {
    proptest::collection::vec(any::<(Index, Index, Index, Index, u8)>(), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn crossed_envelopes_hold(entry in any::<Index>(), grafts in grafts()) {
        properties::envelope(&crossed(&corpus("envelope"), entry, &grafts));
    }

    #[test]
    fn crossed_last_good_files_hold(entry in any::<Index>(), grafts in grafts()) {
        properties::last_good(&crossed(&corpus("last_good"), entry, &grafts));
    }

    #[test]
    fn crossed_sessions_hold(entry in any::<Index>(), grafts in grafts()) {
        properties::session(&crossed(&corpus("session"), entry, &grafts));
    }
}
