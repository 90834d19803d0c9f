//! The corpora of the fuzz targets, replayed through the targets' own properties, as they are and mutated.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../fuzz/src/properties.rs"]
mod properties;

/// The files of a corpus, in order.
type Corpus = Vec<(PathBuf, Vec<u8>)>;

fn corpus(target: &str) -> Corpus {
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

/// A target's name, what must hold of any input, and how many files its corpus has at least.
type Target = (&'static str, fn(&[u8]), usize);

/// All of them.
const TARGETS: [Target; 12] = [
    ("cursor", properties::cursor::cursor, 8),
    ("envelope", properties::envelope, 30),
    ("expression", properties::expression::expression, 30),
    ("head", properties::head::head, 20),
    ("header_value", properties::header_value::header_value, 12),
    ("last_good", properties::last_good, 40),
    ("name", properties::name::name, 10),
    ("session", properties::session, 20),
    ("sse", properties::sse::sse, 12),
    ("step", properties::step::step, 8),
    ("token", properties::token::token, 16),
    ("upstream_answer", properties::upstream_answer::upstream_answer, 24),
];

#[test]
fn every_corpus_holds() {
    for (target, property, least) in TARGETS {
        assert!(replay(target, property) >= least, "{target}");
    }
}

#[test]
fn every_fuzz_target_has_a_corpus_that_is_replayed() {
    let targets = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets")).unwrap();
    for target in targets {
        let target = target.unwrap().path();
        let name = target.file_stem().unwrap().to_str().unwrap();
        assert!(TARGETS.iter().any(|(known, ..)| *known == name), "{name}");
    }
}

/// The corpora, in the order of the targets.
static CORPORA: LazyLock<Vec<Corpus>> = LazyLock::new(|| TARGETS.iter().map(|(target, ..)| corpus(target)).collect());

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
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn crossed_corpora_hold(entry in any::<Index>(), grafts in grafts()) {
        for ((_, property, _), corpus) in TARGETS.iter().zip(CORPORA.iter()) {
            property(&crossed(corpus, entry, &grafts));
        }
    }
}
