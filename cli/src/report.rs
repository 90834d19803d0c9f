//! What people read on a terminal: problems with their places, conditions, endpoints. Words only; the caller writes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portolan_crds::{ConditionType, Finding, Status};
use portolan_operator::object::ObjectKey;
use portolan_operator::status::ObjectStatus;
use portolan_operator::translate::Problem;

use crate::manifests::{Fault, Place};

/// Colours, if anybody sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// In colour on a terminal, unless `NO_COLOR` asks otherwise.
    pub(crate) fn new(terminal: bool) -> Self {
        Self(terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn coloured(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.coloured("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.coloured("31", text)
    }

    pub(crate) fn unsure(self, text: &str) -> String {
        self.coloured("33", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.coloured("2", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.coloured("1", text)
    }
}

/// "1 object", "2 objects".
pub(crate) fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `file:line: message`.
pub(crate) fn fault(fault: &Fault) -> String {
    format!("{}:{}: {}", fault.file.display(), fault.line, printable(&fault.message))
}

/// Where a problem is, for sorting, and the line that tells it: `file:line: object: field: message; remedy`.
pub(crate) fn problem(problem: &Problem, places: &BTreeMap<ObjectKey, Place>) -> (PathBuf, u64, String) {
    let told = format!("{}: {}", problem.object, printable(&problem.sentence()));
    match places.get(&problem.object) {
        Some(place) => {
            let line = place.node.line_of(&problem.field);
            (place.file.clone(), line, format!("{}:{line}: {told}", place.file.display()))
        }
        None => (PathBuf::new(), 0, told),
    }
}

/// One object's conditions, a line each.
pub(crate) fn conditions(status: &ObjectStatus, paint: Paint) -> String {
    let target = status.target.as_ref().map(|target| format!(" on {target}")).unwrap_or_default();
    let mut text = format!("{}{target}\n", paint.bold(&status.object.to_string()));
    for finding in &status.findings {
        let word = format!("{}={}", finding.condition, finding.status);
        let word = format!("{word:<22}");
        let word = match concern(finding) {
            Concern::None => paint.good(&word),
            Concern::Some => paint.unsure(&word),
            Concern::Bad => paint.bad(&word),
        };
        text.push_str(&format!("  {word} {:<18} {}\n", finding.reason.to_string(), printable(&finding.message)));
    }
    text
}

enum Concern {
    None,
    Some,
    Bad,
}

/// Two conditions tell of trouble by being there at all.
fn concern(finding: &Finding) -> Concern {
    match (finding.condition, finding.status) {
        (ConditionType::PartiallyInvalid, Status::True) | (_, Status::Unknown) => Concern::Some,
        (_, Status::True) | (ConditionType::PartiallyInvalid, Status::False) => Concern::None,
        (_, Status::False) => Concern::Bad,
    }
}

/// Files are somebody's input: nothing of them may move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests;
