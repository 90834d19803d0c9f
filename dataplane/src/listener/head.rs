//! What a request's head must look like before anybody decides by it: one authority, one framing, no header that a `Connection` takes away.
//!
//! A pure function. hyper has already refused what is not HTTP; this refuses what two readers could read in two ways.

use std::net::Ipv6Addr;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, request};

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The status to answer with. The connection closes after it: the framing is in doubt.
    pub status: StatusCode,
    /// One word for metrics and logs.
    pub word: &'static str,
}

impl Fault {
    /// The answer for a request whose handling panicked.
    pub const PANICKED: Self = Self { status: StatusCode::INTERNAL_SERVER_ERROR, word: "panicked" };

    const fn bad(word: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, word }
    }
}

/// Fields that belong to one connection: the only ones that `Connection` may name (RFC 9110, 7.6.1). If it could name others, it would take away
/// headers that we decide by, here or at the next hop.
const HOP_BY_HOP: [&str; 8] =
    ["close", "keep-alive", "te", "trailer", "upgrade", "http2-settings", "proxy-connection", "transfer-encoding"];

/// Checks a head, which may have so many `fields`. `hidden_length`: a `Content-Length` came that hyper does not show.
///
/// # Errors
/// The first fault that is found.
pub fn check(head: &request::Parts, fields: usize, hidden_length: bool) -> Result<(), Fault> {
    if head.headers.len() > fields {
        return Err(Fault { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, word: "head_fields" });
    }
    if head.method == Method::CONNECT {
        return Err(Fault { status: StatusCode::METHOD_NOT_ALLOWED, word: "connect" });
    }
    let fields = Fields::of(&head.headers);
    fields.authority(head)?;
    fields.framing(head.version, hidden_length)?;
    if fields.names_header {
        return Err(Fault::bad("connection_names_header"));
    }
    match fields.expect {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(Fault { status: StatusCode::EXPECTATION_FAILED, word: "expect" })
        }
        _ => Ok(()),
    }
}

/// Exactly one authority, wherever it stands: in `Host`, in the target, or in both and then the same.
///
/// # Errors
/// There is none, more than one, or one that is not plain.
pub fn authority(head: &request::Parts) -> Result<(), Fault> {
    Fields::of(&head.headers).authority(head)
}

/// The fields that these rules are about, found in one walk over all: asking the map for each would cost four times as much.
#[derive(Default)]
struct Fields<'h> {
    host: Single<'h>,
    coding: Single<'h>,
    expect: Option<&'h HeaderValue>,
    has_length: bool,
    /// `Connection` names a field that it may not take away.
    names_header: bool,
}

/// A field that may be there once.
#[derive(Default)]
struct Single<'h> {
    first: Option<&'h HeaderValue>,
    again: bool,
}

impl<'h> Single<'h> {
    fn add(&mut self, value: &'h HeaderValue) {
        self.again |= self.first.is_some();
        self.first.get_or_insert(value);
    }
}

impl<'h> Fields<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            if name == HOST {
                fields.host.add(value);
            } else if name == TRANSFER_ENCODING {
                fields.coding.add(value);
            } else if name == CONNECTION {
                fields.names_header |= !names_hop_by_hop(value);
            } else if name == EXPECT {
                fields.expect.get_or_insert(value);
            } else if name == CONTENT_LENGTH {
                fields.has_length = true;
            }
        }
        fields
    }

    fn authority(&self, head: &request::Parts) -> Result<(), Fault> {
        let host = self.host.first.map(|host| host.to_str().map_err(|_| Fault::bad("bad_host"))).transpose()?;
        if let Some(host) = host {
            plain(host)?;
        }
        if self.host.again {
            return Err(Fault::bad("many_hosts"));
        }
        let target = head.uri.authority();
        if let Some(target) = target {
            plain(target.as_str())?;
        }
        match (host, target) {
            (None, None) => Err(Fault::bad("no_host")),
            // HTTP/1.1 wants a Host even beside an absolute target (RFC 9112, 3.2.2); HTTP/2 has `:authority` instead.
            (None, Some(_)) if head.version < Version::HTTP_2 => Err(Fault::bad("no_host")),
            (Some(host), Some(target)) if target != host => Err(Fault::bad("hosts_disagree")),
            _ => Ok(()),
        }
    }

    /// One way to find the end of the body. hyper drops a `Content-Length` beside `Transfer-Encoding`, as RFC 9112 (6.3) allows; but whoever stands
    /// before us may have believed it.
    fn framing(&self, version: Version, hidden_length: bool) -> Result<(), Fault> {
        let Some(coding) = self.coding.first else { return Ok(()) };
        let single = !self.coding.again && coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !single || version != Version::HTTP_11 || hidden_length || self.has_length {
            return Err(Fault::bad("framing"));
        }
        Ok(())
    }
}

/// A host and perhaps a port: no user, no empty name, no port that is not a number.
///
/// # Errors
/// It is something else.
pub fn plain(authority: &str) -> Result<(), Fault> {
    // By bytes: searching for a character costs several times as much in a text as short as this.
    let (host, port) = match authority.bytes().rposition(|byte| byte == b':').map(|at| authority.split_at(at)) {
        Some((host, port)) if !port.bytes().any(|byte| byte == b']') => (host, Some(&port[1..])),
        _ => (authority, None),
    };
    let numeric = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if authority.bytes().any(|byte| byte == b'@') {
        Err(Fault::bad("userinfo"))
    } else if !is_host(host) || port.is_some_and(|port| !numeric(port)) {
        Err(Fault::bad("bad_host"))
    } else {
        Ok(())
    }
}

/// A name of the usual letters, or an address in brackets. URIs allow more, such as a comma, which others read as a list.
fn is_host(host: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().any(|byte| byte.is_ascii_alphanumeric()) && host.bytes().all(letter),
    }
}

/// Whether all that a `Connection` names belongs to the connection.
fn names_hop_by_hop(value: &HeaderValue) -> bool {
    let mut names =
        value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    names.all(|name| HOP_BY_HOP.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())))
}

#[cfg(test)]
mod tests;
