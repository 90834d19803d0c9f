//! Sets of patterns over tool names. What a pattern means is shared with the operator.

use portolan_config::exposure::glob;

/// Patterns of which one must match. The empty set matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GlobSet {
    patterns: Vec<Box<str>>,
}

impl GlobSet {
    /// Every string is a pattern.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self { patterns: patterns.into_iter().map(|pattern| pattern.as_ref().into()).collect() }
    }

    /// Whether there is no pattern at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern matches the whole of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| glob(pattern, name))
    }
}

#[cfg(test)]
mod tests;
