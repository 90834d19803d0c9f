//! The notes themselves: a bounded map in memory.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

/// Notes at a time.
const MOST: usize = 1000;
/// Bytes of one note.
const LONGEST: usize = 64 << 10;

/// One note.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) notebook: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// All notes.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    notes: BTreeMap<u64, Note>,
}

impl Notes {
    /// Keeps a new note.
    pub(crate) fn add(&self, notebook: String, title: String, text: String) -> Result<Note, String> {
        if notebook.len() + title.len() + text.len() > LONGEST {
            return Err(format!("a note has at most {LONGEST} bytes"));
        }
        let mut inner = self.0.lock();
        if inner.notes.len() >= MOST {
            return Err(format!("there are {MOST} notes already; delete some"));
        }
        inner.last += 1;
        let note = Note { id: inner.last, notebook, title, text };
        inner.notes.insert(note.id, note.clone());
        Ok(note)
    }

    /// Notes that have every word, the newest first.
    pub(crate) fn search(&self, query: &str) -> Vec<Note> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let matches = |note: &Note| {
            let text = format!("{} {}", note.title, note.text).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        self.newest(matches)
    }

    /// Notes of a notebook, or all of them, the newest first.
    pub(crate) fn list(&self, notebook: Option<&str>) -> Vec<Note> {
        self.newest(|note| notebook.is_none_or(|notebook| note.notebook == notebook))
    }

    /// Deletes one note; says how many are left.
    pub(crate) fn delete(&self, id: u64) -> Result<usize, String> {
        let mut inner = self.0.lock();
        match inner.notes.remove(&id) {
            Some(_) => Ok(inner.notes.len()),
            None => Err(format!("no note {id}")),
        }
    }

    /// Deletes all.
    pub(crate) fn clear(&self) {
        self.0.lock().notes.clear();
    }

    fn newest(&self, matches: impl Fn(&Note) -> bool) -> Vec<Note> {
        self.0.lock().notes.values().rev().filter(|note| matches(note)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(notes: &Notes, notebook: &str, title: &str) -> u64 {
        notes.add(notebook.to_owned(), title.to_owned(), "Some text".to_owned()).unwrap().id
    }

    #[test]
    fn a_note_is_found_by_its_words_until_it_is_deleted() {
        let notes = Notes::default();
        let (first, second) = (add(&notes, "work", "Harbour plan"), add(&notes, "home", "Harbour walk"));
        let ids = |found: Vec<Note>| found.iter().map(|note| note.id).collect::<Vec<_>>();
        assert_eq!(ids(notes.search("harbour TEXT")), [second, first]);
        assert_eq!(ids(notes.list(Some("work"))), [first]);
        assert_eq!(notes.delete(first), Ok(1));
        assert!(notes.delete(first).is_err());
        assert!(notes.search("plan").is_empty());
    }

    #[test]
    fn there_is_a_bound() {
        let notes = Notes::default();
        assert!(notes.add(String::new(), String::new(), "x".repeat(LONGEST + 1)).is_err());
        for _ in 0..MOST {
            add(&notes, "work", "one");
        }
        assert!(notes.add(String::new(), String::new(), String::new()).is_err());
    }
}
