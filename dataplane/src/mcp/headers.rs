//! The headers that mirror a message: checking them against the body that an agent sent, and making them for an upstream.
//!
//! It must never trust a header that the body does not confirm, nor one that two readers could take differently.

mod fault;
mod value;

pub use fault::HeaderFault;
use http::HeaderMap;
use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderName};
pub use value::{decode, encode};

use super::envelope::Envelope;
use super::revision::{Era, Revision};
use super::span::Text;

/// The revision of the protocol (2025-06-18 and later).
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The message's method (2026-07-28).
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The target of a call (2026-07-28).
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The session (2025-03-26 to 2025-11-25).
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// What headers that mirror arguments begin with (2026-07-28).
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The only value of a header: absent, or one that is visible text.
///
/// # Errors
/// [`HeaderFault::Mismatch`] when it is there twice (even with equal values) or is not text.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, HeaderFault> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(HeaderFault::mismatch(format!("the header {name} appears more than once")));
    }
    match first.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(HeaderFault::mismatch(format!("the header {name} holds characters that are not allowed"))),
    }
}

/// Refuses what could make another reader see other protocol headers than we do: spellings with an underscore (which some servers take for
/// a hyphen), and protocol headers that `Connection` asks to drop on the way.
///
/// # Errors
/// [`HeaderFault::Mismatch`].
pub fn unambiguous(headers: &HeaderMap) -> Result<(), HeaderFault> {
    for name in headers.keys() {
        let name = name.as_str();
        // What follows the prefix of a mirrored argument is the server's own word.
        if name.starts_with("mcp") && name.contains('_') && !name.starts_with(PARAM_PREFIX) {
            return Err(HeaderFault::mismatch("a protocol header is spelled with an underscore"));
        }
    }
    let named = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for option in named {
        if option.trim_ascii().get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"mcp-")) {
            return Err(HeaderFault::mismatch("Connection names a protocol header"));
        }
    }
    Ok(())
}

/// Checks that a POST carries JSON, and that its sender takes both JSON and event streams (Streamable HTTP, every revision).
///
/// # Errors
/// [`HeaderFault::MediaType`] or [`HeaderFault::NotAcceptable`].
pub fn post_media(headers: &HeaderMap) -> Result<(), HeaderFault> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let json = types.next().is_some_and(|value| media(value.as_bytes()).eq_ignore_ascii_case(b"application/json"));
    if !json || types.next().is_some() {
        return Err(HeaderFault::MediaType);
    }
    // What every SDK sends needs no closer look.
    let usual = headers.get(ACCEPT).is_some_and(|value| value == "application/json, text/event-stream");
    if usual || [&b"application/json"[..], b"text/event-stream"].into_iter().all(|wanted| accepts(headers, wanted)) {
        Ok(())
    } else {
        Err(HeaderFault::NotAcceptable)
    }
}

/// Whether `Accept` admits `application/json` or `text/event-stream`; without the header everything is admitted (RFC 9110, 12.5.1).
#[must_use]
pub fn accepts(headers: &HeaderMap, wanted: &[u8]) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    let family: &[u8] = if wanted.starts_with(b"text/") { b"text/*" } else { b"application/*" };
    let admits = |range| [wanted, b"*/*", family].iter().any(|one| media(range).eq_ignore_ascii_case(one));
    values.peek().is_none() || values.any(|value| value.as_bytes().split(|byte| *byte == b',').any(admits))
}

/// A media type without its parameters.
fn media(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Checks `Mcp-Method` and `Mcp-Name` of a modern request against its body (2026-07-28, Streamable HTTP).
///
/// # Errors
/// [`HeaderFault::Mismatch`].
pub fn mirrored(headers: &HeaderMap, body: &[u8], envelope: &Envelope) -> Result<(), HeaderFault> {
    let said = single(headers, &METHOD)?.ok_or_else(|| HeaderFault::mismatch("the header Mcp-Method is missing"))?;
    if !envelope.method.is_some_and(|method| method.is(body, said)) {
        return Err(HeaderFault::mismatch("the header Mcp-Method differs from the body's method"));
    }
    let target = match said {
        "tools/call" | "prompts/get" => envelope.name,
        "resources/read" => envelope.uri,
        _ => None,
    };
    named(single(headers, &NAME)?, body, target, carries_name(said))
}

fn named(said: Option<&str>, body: &[u8], target: Option<Text>, expected: bool) -> Result<(), HeaderFault> {
    match (said, target) {
        (Some(said), Some(target)) if target.is(body, &decode(said)?) => Ok(()),
        (Some(_), Some(_)) => Err(HeaderFault::mismatch("the header Mcp-Name differs from the body")),
        (None, Some(_)) => Err(HeaderFault::mismatch("the header Mcp-Name is missing")),
        (Some(_), None) if expected => Err(HeaderFault::mismatch("the header Mcp-Name names what the body does not")),
        // Methods of extensions may carry it; their targets are not ours to judge.
        _ => Ok(()),
    }
}

/// Whether we know what `Mcp-Name` of a method must say: a target, or that there is none.
fn carries_name(method: &str) -> bool {
    matches!(
        method,
        "tools/call"
            | "prompts/get"
            | "resources/read"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "completion/complete"
            | "server/discover"
            | "subscriptions/listen"
    )
}

/// Adds the headers that an upstream of `revision` expects to mirror the body to those of a request that has none of them yet: `name` is the
/// target in the upstream's own words.
pub fn mirror(headers: &mut HeaderMap, revision: Revision, method: &'static str, name: Option<&str>) {
    if revision >= Revision::R20250618 {
        headers.insert(PROTOCOL_VERSION, http::HeaderValue::from_static(revision.as_str()));
    }
    if revision.era() == Era::Modern {
        headers.insert(METHOD, http::HeaderValue::from_static(method));
        if let Some(name) = name {
            headers.insert(NAME, encode(name));
        }
    }
}

#[cfg(test)]
mod tests;
