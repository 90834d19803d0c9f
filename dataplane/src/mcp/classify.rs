//! What a POST is: a modern request, a part of a legacy session, or nothing that may be sent. The body decides and the header must agree.
//!
//! It must never take a message for modern because of a header alone, nor for legacy because one is missing.

use http::HeaderMap;

use super::envelope::{Envelope, Shape};
use super::headers::{HeaderFault, PROTOCOL_VERSION, SESSION_ID, single, unambiguous};
use super::revision::{Era, Revision};

/// A message, sorted. Sessions are the header's text: sealed, not opened yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbound<'h> {
    /// A request that carries its own metadata: version and capabilities are there and agree with the header. `Mcp-Method` and `Mcp-Name` are
    /// for [`super::headers::mirrored`] to check.
    Modern {
        /// The revision.
        revision: Revision,
    },
    /// `initialize` of a client that knows sessions.
    LegacyInitialize {
        /// The revision to answer with: the client's, if it is a legacy one that we speak, else our newest legacy one.
        revision: Revision,
    },
    /// Any other legacy request.
    LegacyRequest {
        /// The session, if one was named.
        session: Option<&'h str>,
        /// The revision that the header or the metadata names; it must be the session's.
        revision: Option<Revision>,
    },
    /// A notification.
    Notification {
        /// The session, if one was named and the notification is not modern.
        session: Option<&'h str>,
        /// The revision that the header or the metadata names.
        revision: Option<Revision>,
    },
    /// The answer to a request of a server.
    ClientResponse {
        /// The session.
        session: &'h str,
        /// The revision that the header names.
        revision: Option<Revision>,
    },
}

/// Sorts a message, checking in the order that the protocol's own suite expects: shape, header against metadata, version, required metadata.
///
/// # Errors
/// [`HeaderFault`], all of them with status 400.
pub fn classify<'h>(headers: &'h HeaderMap, body: &[u8], envelope: &Envelope) -> Result<Inbound<'h>, HeaderFault> {
    unambiguous(headers)?;
    if envelope.shape == Shape::Batch {
        return Err(HeaderFault::NotAllowed("batches are not accepted"));
    }
    let header = single(headers, &PROTOCOL_VERSION)?;
    let claimed = envelope.meta.and_then(|meta| meta.protocol_version).map(|version| version.decode(body));
    if let Some(claimed) = claimed {
        let known = claimed.parse::<Revision>();
        let legacy = known.is_ok_and(|revision| revision.era() == Era::Legacy);
        match header {
            Some(header) if header != claimed => {
                return Err(HeaderFault::mismatch("the header MCP-Protocol-Version differs from the body's metadata"));
            }
            None if !legacy => return Err(HeaderFault::mismatch("the header MCP-Protocol-Version is missing")),
            _ => {}
        }
        let Ok(revision) = known else {
            return Err(HeaderFault::UnsupportedVersion { requested: claimed.into_owned() });
        };
        return sort(headers, body, envelope, Some(revision));
    }
    if envelope.shape == Shape::Request && envelope.method.is_some_and(|method| method.is(body, "initialize")) {
        let requested = envelope.protocol_version.map(|version| version.decode(body)).unwrap_or_default();
        return Ok(Inbound::LegacyInitialize { revision: Revision::negotiate(&requested) });
    }
    let named = match header.map(|header| (header, header.parse::<Revision>())) {
        Some((header, Err(_))) => return Err(HeaderFault::UnsupportedVersion { requested: header.to_owned() }),
        Some((_, Ok(revision))) => Some(revision),
        None => None,
    };
    sort(headers, body, envelope, named)
}

fn sort<'h>(
    headers: &'h HeaderMap,
    body: &[u8],
    envelope: &Envelope,
    revision: Option<Revision>,
) -> Result<Inbound<'h>, HeaderFault> {
    let modern = revision.filter(|revision| revision.era() == Era::Modern);
    match (envelope.shape, modern) {
        (Shape::Request, Some(revision)) => {
            let meta = envelope.meta.filter(|meta| meta.protocol_version.is_some());
            match meta {
                None => Err(HeaderFault::MissingMeta { version: true }),
                Some(meta) if meta.client_capabilities.is_none() => Err(HeaderFault::MissingMeta { version: false }),
                Some(_) => Ok(Inbound::Modern { revision }),
            }
        }
        (Shape::Request, None) if envelope.method.is_some_and(|method| method.is(body, "initialize")) => {
            Ok(Inbound::LegacyInitialize { revision: revision.unwrap_or(Revision::NEWEST_LEGACY) })
        }
        (Shape::Request, None) => Ok(Inbound::LegacyRequest { session: session(headers)?, revision }),
        (Shape::Notification, Some(_)) => Ok(Inbound::Notification { session: None, revision }),
        (Shape::Notification, None) => Ok(Inbound::Notification { session: session(headers)?, revision }),
        (Shape::Response | Shape::Batch, Some(_)) => Err(HeaderFault::NotAllowed("responses are not accepted")),
        (Shape::Response | Shape::Batch, None) => match session(headers)? {
            Some(session) => Ok(Inbound::ClientResponse { session, revision }),
            None => Err(HeaderFault::NotAllowed("a response needs a session")),
        },
    }
}

/// The session that a request names.
///
/// # Errors
/// [`HeaderFault::Mismatch`] when there is more than one.
pub fn session(headers: &HeaderMap) -> Result<Option<&str>, HeaderFault> {
    single(headers, &SESSION_ID)
}

#[cfg(test)]
mod tests;
