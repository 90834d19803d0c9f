//! A compiled server: how to speak to it, what it offers and what its own policies say.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use portolan_config::exposure::Hints;
use portolan_config::{Name, proto};

use super::catalogue::Catalogue;
use super::parts::ServerPart;
use super::schemas::Schemas;
use super::sessions::LegacySessions;
use crate::mcp::revision::{Era, Revision};
use crate::policy::PolicySet;
use crate::upstream::Upstream;

/// A backend as the request path needs it.
pub struct Server {
    /// Its resource name.
    pub name: Name,
    /// "namespace/name", for people.
    pub label: Arc<str>,
    /// The parsed resource.
    pub part: Arc<ServerPart>,
    /// Its connections; the same object as long as nothing about connecting changes.
    pub upstream: Arc<Upstream>,
    /// Sessions that we opened there for clients who have none; live as long as the connections.
    pub legacy: Arc<LegacySessions>,
    /// What its tools ask for where its catalogue is behind.
    pub schemas: Schemas,
    /// The header that authenticates us; `Err` while its secret is not to be had, and then nothing is sent at all.
    pub credential: Result<Option<(HeaderName, HeaderValue)>, MissingSecret>,
    /// What its own policies say.
    pub policy: PolicySet,
    /// What the handshake taught; `None` until some gateway has reported.
    pub facts: Option<Facts>,
    /// Its tools.
    pub catalogue: Catalogue,
    /// Since when it has not answered, milliseconds since 1970.
    pub stale_since_ms: Option<i64>,
    /// Something that it depends on is invalid and has no good version: nothing may pass.
    pub closed: bool,
}

/// The credential's secret is absent or revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingSecret;

/// What a handshake taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Revisions that both sides speak, newest first; never empty.
    pub revisions: Vec<Revision>,
    /// Whether `initialize` gave a session id.
    pub mints_sessions: bool,
    /// Its instructions to models.
    pub instructions: Arc<str>,
}

impl Facts {
    /// Reads the report's facts; pinned revisions win over found ones. `None` where nothing remains that both speak.
    pub fn parse(facts: &proto::ServerFacts, pinned: &[Revision]) -> Option<Self> {
        let found = facts.revisions.iter().filter_map(|revision| revision.parse::<Revision>().ok());
        let mut revisions: Vec<Revision> = found.filter(|one| pinned.is_empty() || pinned.contains(one)).collect();
        revisions.sort_unstable_by(|one, other| other.cmp(one));
        revisions.dedup();
        (!revisions.is_empty()).then(|| Self {
            revisions,
            mints_sessions: facts.mints_sessions,
            instructions: Arc::from(facts.instructions.as_str()),
        })
    }

    /// The revision to speak with a client of `revision`: its own, or another of its era, or across to the newest of the other era.
    pub fn speak(&self, revision: Revision) -> Revision {
        let own_era = || self.newest(revision.era());
        let exact = self.revisions.iter().copied().find(|one| *one == revision);
        exact.or_else(own_era).unwrap_or(self.revisions[0])
    }

    /// The newest revision of an era that it speaks.
    pub fn newest(&self, era: Era) -> Option<Revision> {
        self.revisions.iter().copied().find(|one| one.era() == era)
    }
}

impl Server {
    /// What requests ask for.
    pub fn target(&self) -> &PathAndQuery {
        &self.part.target
    }

    /// The hints that an administrator vouches for.
    pub fn trusted(&self, own: &str) -> Hints {
        Hints::trusted(&self.part.proto.trusted, own)
    }

    /// Whether session ids of this server are kept and sent.
    pub fn keeps_sessions(&self) -> bool {
        self.part.proto.sessions != i32::from(proto::Sessions::Never)
            && self.facts.as_ref().is_some_and(|facts| facts.mints_sessions)
    }
}
