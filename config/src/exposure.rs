//! Which of a server's tools a route shows, and under which names: the rules that gateway and operator must agree on.
//!
//! Pure functions over resources: no catalogue is held here, and no list is rendered.

use sha2::{Digest, Sha256};

use crate::proto::{ExcludeAnnotated, RouteServer, TrustedAnnotations};

/// Longest exposed name, in characters: what the strictest clients accept.
pub const LONGEST_NAME: usize = 64;

/// Characters of a long name that are kept before `_` and eight hexadecimal digits.
const KEPT: usize = 55;

/// The annotations of a tool that rules may read (specification, `ToolAnnotations`). `None`: not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// The tool changes nothing.
    pub read_only: Option<bool>,
    /// The tool may destroy something.
    pub destructive: Option<bool>,
    /// A second call with the same arguments adds nothing.
    pub idempotent: Option<bool>,
    /// The tool reaches things outside a closed world.
    pub open_world: Option<bool>,
}

impl Hints {
    /// The hints with the specification's default where nothing is said.
    #[must_use]
    pub fn or_default(self) -> Self {
        Self {
            read_only: self.read_only.or(Some(false)),
            destructive: self.destructive.or(Some(true)),
            idempotent: self.idempotent.or(Some(false)),
            open_world: self.open_world.or(Some(true)),
        }
    }

    /// What an administrator vouches for about the tool `own`: later entries win.
    #[must_use]
    pub fn trusted(entries: &[TrustedAnnotations], own: &str) -> Self {
        let mut hints = Self::default();
        for entry in entries.iter().filter(|entry| entry.tools.iter().any(|pattern| glob(pattern, own))) {
            hints.read_only = entry.read_only_hint.or(hints.read_only);
            hints.destructive = entry.destructive_hint.or(hints.destructive);
            hints.idempotent = entry.idempotent_hint.or(hints.idempotent);
            hints.open_world = entry.open_world_hint.or(hints.open_world);
        }
        hints
    }
}

/// Whether `entry` shows the server's tool `own`. `excludeAnnotated` matches a hint that is trusted (or the specification's default), and
/// one that the server claims of itself: a claim may hide a tool, never show it.
#[must_use]
pub fn shows(entry: &RouteServer, own: &str, trusted: Hints, claimed: Hints) -> bool {
    let included = entry.include.is_empty() || entry.include.iter().any(|pattern| glob(pattern, own));
    let excluded = entry.exclude.iter().any(|pattern| glob(pattern, own));
    let annotated = entry
        .exclude_annotated
        .as_ref()
        .is_some_and(|rule| any_equal(rule, trusted.or_default()) || any_equal(rule, claimed));
    included && !excluded && !annotated
}

fn any_equal(rule: &ExcludeAnnotated, hints: Hints) -> bool {
    let equal = |wanted: Option<bool>, hint: Option<bool>| wanted.is_some() && wanted == hint;
    equal(rule.read_only_hint, hints.read_only)
        || equal(rule.destructive_hint, hints.destructive)
        || equal(rule.idempotent_hint, hints.idempotent)
        || equal(rule.open_world_hint, hints.open_world)
}

/// The name that agents see for the tool `own` of `entry`: renamed first, then prefixed.
#[must_use]
pub fn outward(entry: &RouteServer, own: &str) -> String {
    let renamed = entry.overrides.iter().find(|change| change.name == own).and_then(|change| change.rename.as_deref());
    exposed_name(&entry.prefix, renamed.unwrap_or(own))
}

/// `prefix_own` with every character outside `[A-Za-z0-9_-]` made `_`; longer than 64 characters: the first 55, `_` and eight hexadecimal
/// digits of the SHA-256 of the whole, so that two long names stay apart. An empty prefix passes the name unchanged.
#[must_use]
pub fn exposed_name(prefix: &str, own: &str) -> String {
    if prefix.is_empty() {
        return own.to_owned();
    }
    let whole = format!("{prefix}_{own}");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let mut name: String = whole.chars().map(plain).collect();
    if name.len() > LONGEST_NAME {
        let digest = hex::encode(Sha256::digest(whole.as_bytes()));
        name.truncate(KEPT);
        name.push('_');
        name.push_str(&digest[..8]);
    }
    name
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters, the empty one too. Linear in both: no backtracking.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.len() >= tail.len() && text.ends_with(tail)
}

#[cfg(test)]
mod tests;
