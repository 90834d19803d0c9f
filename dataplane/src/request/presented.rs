//! An older client's session as a request presents it: opened for its principal and route alone, and never taken for authentication.

use std::sync::Arc;

use http::HeaderValue;

use super::exchange::Exchange;
use super::refusal::Refusal;
use crate::mcp::session::{self, Session};
use crate::snapshot::Server;
use crate::snapshot::sessions::Opened;

/// A session that was presented and is good.
pub struct OpenSession {
    /// What was sealed in its id.
    pub contents: Arc<Session>,
    /// What it is called where its id must not be.
    pub fingerprint: [u8; 16],
}

/// The server did not answer when the session began, or has joined the route since.
pub struct Absent;

impl OpenSession {
    /// Opens a session id, for this principal and route alone.
    pub fn open(exchange: &Exchange<'_>, text: &str, now: u64) -> Result<Self, Refusal> {
        let ring = exchange.context.ring.current();
        let remembered = &exchange.context.remembered;
        let contents = remembered.open(&ring, &exchange.binding(), text, now).map_err(|_| Refusal::no_session(None))?;
        let fingerprint = session::fingerprint(text);
        if exchange.context.has_ended(&fingerprint) {
            return Err(Refusal::no_session(None));
        }
        Ok(Self { contents, fingerprint })
    }

    /// The session's own session on a server; `None` where the server keeps none.
    pub fn upstream(&self, server: &Server) -> Result<Option<Arc<Opened>>, Absent> {
        let name = server.name.as_str();
        if let Some(kept) = self.contents.upstreams.iter().find(|kept| kept.server == name) {
            if let Some(opened) = server.legacy.reopened(&self.fingerprint) {
                return Ok(Some(opened));
            }
            let id = HeaderValue::from_str(&kept.id).map_err(|_| Absent)?;
            let endpoint = kept.endpoint.clone();
            return Ok(Some(Arc::new(Opened { id: Some(id), endpoint, revision: kept.revision })));
        }
        if server.keeps_sessions() { Err(Absent) } else { Ok(None) }
    }
}
