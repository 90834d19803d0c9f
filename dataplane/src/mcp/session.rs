//! Legacy sessions: all that the gateway knows of one is in its id, sealed to the route and the principal. Any pod can serve it.
//!
//! A session is never an authentication: whoever presents it must be the principal that opened it.

use bytes::Bytes;
use prost::Message as _;

use super::revision::Revision;
use super::seal::{self, Binding, Context, Ring, Unsealed};

/// Longest `clientInfo` that a session carries, in bytes; a longer one is left out.
pub const MAX_CLIENT_INFO: usize = 1024;

/// A session of a legacy agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The revision that `initialize` settled.
    pub revision: Revision,
    /// When it was opened, in seconds since 1970.
    pub issued: u64,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
    /// The agent's `clientInfo`, JSON as sent.
    pub client_info: Option<Bytes>,
    /// Sessions that were opened upstream for this one.
    pub upstreams: Vec<UpstreamSession>,
    /// Servers (resource names) that mint sessions but missed the deadline: they are absent from this one.
    pub absent: Vec<String>,
}

/// A session on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSession {
    /// The server's resource name.
    pub server: String,
    /// The endpoint (`host:port`) that minted the id: the pod that knows it.
    pub endpoint: String,
    /// The server's `Mcp-Session-Id`.
    pub id: String,
    /// The revision that the server answered with.
    pub revision: Revision,
}

impl Session {
    /// The session's id: sealed text, visible ASCII.
    #[must_use]
    pub fn seal(&self, ring: &Ring, binding: &Binding<'_>) -> String {
        seal::seal(ring, Context::Session, binding, &wire::Session::from(self).encode_to_vec())
    }

    /// Reads a session back from its id. `now` in seconds since 1970.
    ///
    /// # Errors
    /// [`Unsealed`]: to the client each of them means that there is no such session.
    pub fn open(ring: &Ring, binding: &Binding<'_>, text: &str, now: u64) -> Result<Self, Unsealed> {
        let plain = seal::open(ring, Context::Session, binding, text)?;
        let session = wire::Session::decode(plain.as_slice()).map_err(|_| Unsealed::Malformed)?;
        let session = Self::try_from(session).map_err(|_| Unsealed::Malformed)?;
        if session.expires <= now { Err(Unsealed::Expired) } else { Ok(session) }
    }
}

/// What names a session that was opened where its id must not be kept: in logs, and in the set of ended sessions.
#[must_use]
pub fn fingerprint(text: &str) -> [u8; 16] {
    // A nonce is never used twice, is authenticated by opening, and has one spelling: sixteen characters, no bit left over.
    seal::nonce(text).unwrap_or_default()
}

/// The sealed content. Fields are only ever added: pods of two releases open each other's sessions.
mod wire {
    use bytes::Bytes;

    use crate::mcp::revision::{Revision, UnknownRevision};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Session {
        #[prost(string, tag = "1")]
        revision: String,
        #[prost(uint64, tag = "2")]
        issued: u64,
        #[prost(uint64, tag = "3")]
        expires: u64,
        #[prost(bytes = "bytes", optional, tag = "4")]
        client_info: Option<Bytes>,
        #[prost(message, repeated, tag = "5")]
        upstreams: Vec<Upstream>,
        #[prost(string, repeated, tag = "6")]
        absent: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Upstream {
        #[prost(string, tag = "1")]
        server: String,
        #[prost(string, tag = "2")]
        endpoint: String,
        #[prost(string, tag = "3")]
        id: String,
        #[prost(string, tag = "4")]
        revision: String,
    }

    impl From<&super::Session> for Session {
        fn from(session: &super::Session) -> Self {
            let upstream = |upstream: &super::UpstreamSession| Upstream {
                server: upstream.server.clone(),
                endpoint: upstream.endpoint.clone(),
                id: upstream.id.clone(),
                revision: upstream.revision.to_string(),
            };
            Self {
                revision: session.revision.to_string(),
                issued: session.issued,
                expires: session.expires,
                client_info: session.client_info.clone().filter(|info| info.len() <= super::MAX_CLIENT_INFO),
                upstreams: session.upstreams.iter().map(upstream).collect(),
                absent: session.absent.clone(),
            }
        }
    }

    impl TryFrom<Session> for super::Session {
        type Error = UnknownRevision;

        fn try_from(session: Session) -> Result<Self, UnknownRevision> {
            let upstream = |upstream: Upstream| {
                Ok(super::UpstreamSession {
                    revision: upstream.revision.parse::<Revision>()?,
                    server: upstream.server,
                    endpoint: upstream.endpoint,
                    id: upstream.id,
                })
            };
            Ok(Self {
                revision: session.revision.parse()?,
                issued: session.issued,
                expires: session.expires,
                client_info: session.client_info,
                upstreams: session.upstreams.into_iter().map(upstream).collect::<Result<_, _>>()?,
                absent: session.absent,
            })
        }
    }
}

#[cfg(test)]
mod tests;
