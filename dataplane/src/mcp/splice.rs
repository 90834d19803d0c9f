//! Edits of a body by byte range: everything that is not edited stays as it was sent.
//!
//! It must never parse and write again. One allocation, for the edited body; none without edits.

use std::borrow::Cow;

use bytes::Bytes;
use smallvec::SmallVec;

use super::span::{Member, Span};

/// Edits of one body. Spans and members are those of its scan; of two edits, neither may lie within the other unless it is a removal.
#[derive(Debug)]
pub struct Splice<'a> {
    body: &'a Bytes,
    // The largest edit of a request sets ten places; longer lists go to the heap.
    edits: SmallVec<[Edit<'a>; 12]>,
}

#[derive(Debug)]
enum Edit<'a> {
    Replace(Span, Cow<'a, [u8]>),
    Remove(Span),
    InsertFirst(u32, Cow<'a, [u8]>),
}

impl Edit<'_> {
    fn start(&self) -> u32 {
        match self {
            Self::Replace(span, _) | Self::Remove(span) => span.start,
            Self::InsertFirst(at, _) => *at,
        }
    }

    fn end(&self) -> u32 {
        match self {
            Self::Replace(span, _) | Self::Remove(span) => span.end,
            Self::InsertFirst(at, _) => *at,
        }
    }

    fn text(&self) -> &[u8] {
        match self {
            Self::Replace(_, text) | Self::InsertFirst(_, text) => text,
            Self::Remove(_) => &[],
        }
    }
}

impl<'a> Splice<'a> {
    /// No edits yet.
    #[must_use]
    pub fn new(body: &'a Bytes) -> Self {
        Self { body, edits: SmallVec::new() }
    }

    /// Puts `text` where `span` is.
    pub fn replace(&mut self, span: Span, text: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        self.edits.push(Edit::Replace(span, text.into()));
        self
    }

    /// Takes a member out of its object, with one comma if it has a neighbour that stays.
    pub fn remove_member(&mut self, member: Member) -> &mut Self {
        self.edits.push(Edit::Remove(member.whole));
        self
    }

    /// Puts `member` (`"key":value`) at the front of an object; several come in the order of the calls.
    pub fn insert_member_first(&mut self, object: Span, member: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        self.edits.push(Edit::InsertFirst(object.start + 1, member.into()));
        self
    }

    /// The edited body; the same bytes, shared, if there are no edits.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        if self.edits.is_empty() {
            return self.body.clone();
        }
        // Stable: insertions at one place keep their order, and come before the removal of what follows them.
        self.edits.sort_by_key(|edit| (edit.start(), matches!(edit, Edit::Remove(_))));
        if self.edits.iter().any(|edit| matches!(edit, Edit::Remove(_))) {
            self.widen_removals();
        }
        let grown: usize = self.edits.iter().map(|edit| edit.text().len() + 1).sum();
        let mut out = Vec::with_capacity(self.body.len() + grown);
        let mut at = 0;
        for (index, edit) in self.edits.iter().enumerate() {
            let start = edit.start() as usize;
            if start < at {
                continue; // within something removed
            }
            out.extend_from_slice(self.body.get(at..start).unwrap_or_default());
            out.extend_from_slice(edit.text());
            at = edit.end() as usize;
            if let Edit::InsertFirst(..) = edit
                && self.has_successor(index)
            {
                out.push(b',');
            }
        }
        out.extend_from_slice(self.body.get(at..).unwrap_or_default());
        out.into()
    }

    /// Lets each removal take a comma along: the one after it, or for the last member of an object the one before the run of removals that it ends.
    fn widen_removals(&mut self) {
        let body = self.body;
        let mut kept: SmallVec<[Edit<'a>; 12]> = SmallVec::new();
        for edit in self.edits.drain(..) {
            let Edit::Remove(mut span) = edit else {
                kept.push(edit);
                continue;
            };
            if matches!(kept.last(), Some(Edit::Remove(outer)) if outer.end >= span.end) {
                continue;
            }
            let after = skip_space(body, span.end as usize);
            if body.get(after) == Some(&b',') {
                span = Span::new(span.start as usize, skip_space(body, after + 1));
            } else {
                while let Some(Edit::Remove(before)) = kept.last()
                    && before.end == span.start
                {
                    span.start = before.start;
                    kept.pop();
                }
                span.start = comma_before(body, span.start as usize).unwrap_or(span.start);
            }
            kept.push(Edit::Remove(span));
        }
        self.edits = kept;
    }

    /// Whether something of the object is left after the insertion `index`.
    fn has_successor(&self, index: usize) -> bool {
        let mut at = self.edits[index].start() as usize;
        for edit in &self.edits[index + 1..] {
            let start = edit.start() as usize;
            match edit {
                Edit::InsertFirst(..) if start == at => return true,
                Edit::Remove(span) if start <= skip_space(self.body, at) => at = span.end as usize,
                _ => break,
            }
        }
        self.body.get(skip_space(self.body, at)) != Some(&b'}')
    }
}

fn skip_space(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_space(**byte)).count()
}

fn comma_before(body: &[u8], at: usize) -> Option<u32> {
    let before = body.get(..at)?;
    let last = before.iter().rposition(|byte| !is_space(*byte))?;
    (before[last] == b',').then(|| Span::new(last, last).start)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
