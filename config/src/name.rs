//! Names of resources: `Kind/NAMESPACE/NAME`. The only place that knows how they are spelled; it never decides what a name means.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::NAME_BYTES;

/// The types of resources on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// How to speak to a backend.
    Server,
    /// Where a server of the cluster is.
    Endpoints,
    /// An endpoint that agents see.
    Route,
    /// What holds on routes and servers.
    Policy,
    /// What a server offers.
    Catalogue,
    /// Some of a catalogue's definitions.
    Chunk,
    /// Referenced keys of a secret.
    Secret,
    /// Which servers one gateway lists.
    Assignment,
    /// What every gateway of a fleet shares.
    Fleet,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Server,
        Self::Endpoints,
        Self::Route,
        Self::Policy,
        Self::Catalogue,
        Self::Chunk,
        Self::Secret,
        Self::Assignment,
        Self::Fleet,
    ];

    /// The word that names of this kind begin with.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Endpoints => "Endpoints",
            Self::Route => "Route",
            Self::Policy => "Policy",
            Self::Catalogue => "Catalogue",
            Self::Chunk => "Chunk",
            Self::Secret => "Secret",
            Self::Assignment => "Assignment",
            Self::Fleet => "Fleet",
        }
    }

    const fn segments(self) -> usize {
        match self {
            Self::Assignment | Self::Fleet => 1,
            Self::Chunk => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(NameError::UnknownKind)
    }
}

/// Why a text is no name of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The first word is no kind of this release: the peer is newer.
    #[error("the kind is not known to this release")]
    UnknownKind,
    /// The text is not spelled as names of its kind are.
    #[error("not the name of a resource")]
    Malformed,
}

/// The name of a resource: `Kind/NAMESPACE/NAME`, `Chunk/NAMESPACE/NAME/INDEX`, `Assignment/GATEWAY` or `Fleet/NAME`. Cheap to clone; ordered as text.
#[derive(Clone)]
pub struct Name {
    kind: Kind,
    text: Arc<str>,
}

impl Name {
    /// The name of an object's resource. The parts are names that Kubernetes has accepted; they are not checked again.
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, text: format!("{kind}/{namespace}/{name}").into() }
    }

    /// The name of what a fleet shares.
    #[must_use]
    pub fn fleet(name: &str) -> Self {
        Self { kind: Kind::Fleet, text: format!("Fleet/{name}").into() }
    }

    /// The name of a gateway's assignment.
    #[must_use]
    pub fn assignment(gateway: &str) -> Self {
        Self { kind: Kind::Assignment, text: format!("Assignment/{gateway}").into() }
    }

    /// The name of one chunk of a server's catalogue, counted from 0.
    #[must_use]
    pub fn chunk(namespace: &str, server: &str, index: usize) -> Self {
        Self { kind: Kind::Chunk, text: format!("Chunk/{namespace}/{server}/{index}").into() }
    }

    /// The resource of another kind that belongs to the same object.
    #[must_use]
    pub fn sibling(&self, kind: Kind) -> Self {
        Self::new(kind, self.namespace(), self.name())
    }

    /// The type of the resource.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The object's namespace; empty for assignments and fleets.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.segment(if self.kind.segments() == 1 { usize::MAX } else { 1 })
    }

    /// The object's name, the gateway's or the fleet's.
    #[must_use]
    pub fn name(&self) -> &str {
        self.segment(if self.kind.segments() == 1 { 1 } else { 2 })
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn segment(&self, index: usize) -> &str {
        self.text.split('/').nth(index).unwrap_or_default()
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (word, rest) = text.split_once('/').ok_or(NameError::Malformed)?;
        let kind: Kind = word.parse()?;
        let sound = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_graphic());
        let index = |segment: &str| segment == "0" || !segment.starts_with('0') && segment.parse::<u16>().is_ok();
        let well_formed = text.len() <= NAME_BYTES
            && rest.split('/').count() == kind.segments()
            && rest.split('/').all(sound)
            && (kind != Kind::Chunk || rest.rsplit('/').next().is_some_and(index));
        if well_formed { Ok(Self { kind, text: text.into() }) } else { Err(NameError::Malformed) }
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.text
    }
}

// All four as the text's own, which `Borrow<str>` promises.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
