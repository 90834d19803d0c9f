//! A call that its server refused before anything ran, and what makes it worth sending once more: its session opened anew, or its headers made
//! for the schema that the server has now. Never a second time, and never a call that may have run.

use std::sync::Arc;

use http::StatusCode;

use super::arrival::Arrival;
use super::exchange::Exchange;
use super::failure::Failure;
use super::forward::Forward;
use super::judge::Target;
use super::message::Message;
use super::{schema, session};
use crate::mcp::error::HEADER_MISMATCH;
use crate::mcp::param::ParamHeader;
use crate::mcp::revision::Era;
use crate::snapshot::sessions::Opened;

/// What a server has against a request, whatever it asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It does not know the session.
    Session,
    /// The headers do not mirror what its schema says (2026-07-28).
    Headers,
}

/// What is new for the second attempt.
pub enum Cure {
    /// The session that takes the lost one's place; `None`: one is to be opened.
    Session(Option<Arc<Opened>>),
    /// The headers that the tool asks for.
    Headers(Arc<[ParamHeader]>),
}

impl Cure {
    /// The session and the mirrored arguments to use instead.
    pub fn parts(self) -> (Option<Arc<Opened>>, Option<Arc<[ParamHeader]>>) {
        match self {
            Self::Session(session) => (session, None),
            Self::Headers(params) => (None, Some(params)),
        }
    }
}

/// What the answer to a call says of its request; `None` where it is about the call.
pub fn misfit(forward: &Forward, arrival: &Arrival) -> Option<Misfit> {
    match arrival.status {
        StatusCode::NOT_FOUND if forward.is_in_session() => Some(Misfit::Session),
        StatusCode::BAD_REQUEST if forward.revision.era() == Era::Modern => {
            (arrival.error_code() == Some(HEADER_MISMATCH)).then_some(Misfit::Headers)
        }
        _ => None,
    }
}

/// Remembers that something may have run in an agent's session: whatever came of a call, unless the session was not known.
pub fn note(message: &Message, forward: &Forward, misfit: Option<&Misfit>) {
    if let Some(agents) = message.session().filter(|_| forward.is_in_session() && misfit != Some(&Misfit::Session)) {
        forward.server.legacy.used(&agents.fingerprint);
    }
}

/// Puts right what can be; `None` where a second attempt would be as the first.
pub async fn cure(
    exchange: &Exchange<'_>,
    message: &Message,
    target: &Target,
    forward: &Forward,
    misfit: Misfit,
) -> Result<Option<Cure>, Failure> {
    match (misfit, &forward.session) {
        (Misfit::Session, Some(lost)) => {
            reopen(exchange, message, forward, lost).await.map(|session| Some(Cure::Session(session)))
        }
        (Misfit::Session, None) => Ok(None),
        (Misfit::Headers, _) => {
            let tool = &exchange.route.tools.all()[target.index];
            let present = schema::present(exchange, forward, &tool.own).await;
            Ok(present.filter(|present| *present != tool.headers).map(Cure::Headers))
        }
    }
}

/// A session of our own is simply another one. That of an agent may hold what the agent did in it, unless it did nothing yet.
async fn reopen(
    exchange: &Exchange<'_>,
    message: &Message,
    forward: &Forward,
    lost: &Arc<Opened>,
) -> Result<Option<Arc<Opened>>, Failure> {
    let sessions = &forward.server.legacy;
    let Some(agents) = message.session() else {
        sessions.forget(&exchange.owner(), lost);
        return Ok(None);
    };
    let info = agents.contents.client_info.as_deref();
    let open = session::open_upstream(exchange, &forward.server, lost.revision, info);
    match sessions.reopen(&agents.fingerprint, lost, open).await {
        Some(opened) => Ok(Some(opened?)),
        None => Err(Failure::SessionLost),
    }
}

#[cfg(test)]
mod tests;
