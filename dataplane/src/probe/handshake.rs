//! Which eras a server speaks: `server/discover`, then `initialize`, and never a guess from silence.

use super::facts::{Discovered, Implementation, Initialized, Introduction, Supported};
use super::fault::Fault;
use super::target::Target;
use super::wire::{ID, Said, Session, Voice, delete, post, read};
use crate::mcp::error::{HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION};
use crate::mcp::headers::{SESSION_ID, single};
use crate::mcp::{Era, Revision, message};
use crate::upstream::ask::Reply;

/// Longest session id that is taken; ours seals it, so it must stay small.
const SESSION_ID_BYTES: usize = 1024;

/// What was learnt about one era.
pub(super) enum Outcome<T> {
    Spoken(T),
    NotSpoken,
    /// Nothing: neither that the server speaks it nor that it does not.
    Unknown(Fault),
}

/// A legacy session that is open until [`delete`].
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) introduction: Introduction,
}

/// Asks `server/discover`. A legacy server refuses it in some way of its own; none is known to run anything.
pub(super) async fn discover(target: &Target) -> Outcome<Introduction> {
    let voice = Voice::Modern { method: "server/discover" };
    let reply = match post(target, &voice, message::discover_request(ID)).await {
        Ok(reply) => reply,
        Err(error) => return Outcome::Unknown(error.into()),
    };
    let mut introduction = match (modern(&reply), Fault::of_status(reply.status)) {
        (Some(introduction), _) => introduction,
        (None, Some(fault)) => return Outcome::Unknown(fault),
        (None, None) => return Outcome::NotSpoken,
    };
    introduction.revisions.retain(|revision| revision.era() == Era::Modern);
    if introduction.revisions.is_empty() { Outcome::NotSpoken } else { Outcome::Spoken(introduction) }
}

/// What only a modern server says.
fn modern(reply: &Reply) -> Option<Introduction> {
    match read(reply) {
        Said::Result { object, parts } if reply.status.is_success() => {
            let server = parts
                .server_info
                .and_then(|info| serde_json::from_slice::<Implementation>(info.value.of(&reply.message)).ok());
            Some(serde_json::from_slice::<Discovered>(&object).ok()?.introduction(server))
        }
        Said::Error { parts } => match parts.code? {
            UNSUPPORTED_VERSION => {
                let data = serde_json::from_slice::<Supported>(parts.data?.of(&reply.message)).ok()?;
                Some(Introduction { revisions: data.revisions(), ..Introduction::default() })
            }
            // It reads the new headers, so it is a server of the new era that has a quarrel with ours.
            HEADER_MISMATCH | MISSING_CAPABILITY => {
                Some(Introduction { revisions: vec![Revision::NEWEST], ..Introduction::default() })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Opens a session with `initialize` and `notifications/initialized`.
pub(super) async fn initialize(target: &Target) -> Outcome<Opened> {
    let newest = target.revisions.iter().copied().filter(|revision| revision.era() == Era::Legacy).max();
    let body = message::initialize_request(ID, newest.unwrap_or(Revision::NEWEST_LEGACY), None);
    let reply = match post(target, &Voice::Opening, body).await {
        Ok(reply) => reply,
        Err(error) => return Outcome::Unknown(error.into()),
    };
    if let Some(fault) = Fault::of_status(reply.status) {
        return Outcome::Unknown(fault);
    }
    let opened = match opened(&reply) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Outcome::NotSpoken,
        Err(fault) => return Outcome::Unknown(fault),
    };
    let voice = Voice::Session(&opened.session);
    match post(target, &voice, message::initialized()).await {
        Ok(reply) if reply.status.is_success() => Outcome::Spoken(opened),
        Ok(reply) => {
            delete(target, &opened.session).await;
            let status = reply.status.as_u16();
            let fault = Fault::protocol(format!("notifications/initialized is answered with HTTP status {status}"));
            Outcome::Unknown(Fault::of_status(reply.status).unwrap_or(fault))
        }
        Err(error) => Outcome::Unknown(error.into()),
    }
}

/// What an answer to `initialize` opened; `None` if the server does not know the method, or no revision that we know.
fn opened(reply: &Reply) -> Result<Option<Opened>, Fault> {
    let Said::Result { object, .. } = read(reply) else { return Ok(None) };
    let Some(initialized) = serde_json::from_slice::<Initialized>(&object).ok().filter(|_| reply.status.is_success())
    else {
        return Ok(None);
    };
    let introduction = initialized.introduction();
    let revision = introduction.revisions.iter().copied().find(|revision| revision.era() == Era::Legacy);
    let Some(revision) = revision else { return Ok(None) };
    single(&reply.headers, &SESSION_ID).map_err(|_| Fault::protocol("the session id is not one visible text"))?;
    let id = reply.headers.get(SESSION_ID).cloned();
    let visible = |id: &[u8]| id.len() <= SESSION_ID_BYTES && id.iter().all(u8::is_ascii_graphic) && !id.is_empty();
    if id.as_ref().is_some_and(|id| !visible(id.as_bytes())) {
        return Err(Fault::protocol("the session id is empty, too long or not visible text"));
    }
    let endpoint = reply.endpoint.clone();
    Ok(Some(Opened { session: Session { revision, id, endpoint }, introduction }))
}
