//! Patterns over tool names: `*` stands for any run of characters, everything else for itself.

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Glob {
    Any,
    Exact(String),
    /// What is before the first star, between the stars, and after the last.
    Parts {
        prefix: String,
        middle: Vec<String>,
        suffix: String,
    },
}

/// Patterns of which one must match. The empty set matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GlobSet {
    globs: Vec<Glob>,
}

impl GlobSet {
    /// Compiles patterns; every string is one.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self { globs: patterns.into_iter().map(|pattern| Glob::new(pattern.as_ref())).collect() }
    }

    /// Whether there is no pattern at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether a pattern matches the whole of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.globs.iter().any(|glob| glob.matches(name))
    }
}

impl Glob {
    fn new(pattern: &str) -> Self {
        let mut pieces = pattern.split('*').map(str::to_owned);
        let prefix = pieces.next().unwrap_or_default();
        let mut middle: Vec<String> = pieces.collect();
        match middle.pop() {
            None => Self::Exact(prefix),
            Some(suffix) => {
                middle.retain(|piece| !piece.is_empty());
                let any = prefix.is_empty() && middle.is_empty() && suffix.is_empty();
                if any { Self::Any } else { Self::Parts { prefix, middle, suffix } }
            }
        }
    }

    /// Taking the earliest place for each piece is enough: a later one leaves less for the rest.
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => name == exact,
            Self::Parts { prefix, middle, suffix } => {
                let Some(mut rest) =
                    name.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()))
                else {
                    return false;
                };
                middle.iter().all(|piece| match rest.split_once(piece.as_str()) {
                    Some((_, after)) => {
                        rest = after;
                        true
                    }
                    None => false,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
