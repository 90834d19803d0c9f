//! Phase 1: what may be judged from the head alone. Method, one authority, the Host and Origin checks.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::refusal::Refusal;
use crate::listener::head;

/// Which pages may make browsers speak to this gateway, and under which names it answers (DNS rebinding).
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Origins that the fleet allows, as `scheme://host[:port]`, lower case.
    pub allowed: Vec<String>,
    /// The listener is on loopback: only loopback names and the routes' own hostnames are ours.
    pub loopback: bool,
}

/// A head that may go on.
#[derive(Debug)]
pub struct Admitted {
    /// The authority that the agent used, as written.
    pub authority: String,
    /// Its host: lower case, without port and trailing dot.
    pub host: String,
}

/// Admits a request's head. `names_host` says whether some route declares a host.
pub fn admit(head: &Parts, origins: &Origins, names_host: impl Fn(&str) -> bool) -> Result<Admitted, Refusal> {
    if ![Method::POST, Method::GET, Method::DELETE].contains(&head.method) {
        return Err(Refusal::wrong_method());
    }
    // The listener has refused heads whose Host is absent, doubled or at odds with the target.
    let authority = match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
    };
    let host = host_of(authority);
    if origins.loopback && !is_loopback(&host) && !names_host(&host) {
        return Err(Refusal::forbidden_origin());
    }
    check_origin(&head.headers, origins)?;
    Ok(Admitted { authority: authority.to_owned(), host })
}

fn check_origin(headers: &HeaderMap, origins: &Origins) -> Result<(), Refusal> {
    let mut values = headers.get_all(ORIGIN).iter();
    let Some(origin) = values.next() else { return Ok(()) };
    let single = values.next().is_none();
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let local = origins.loopback
        && origin.split_once("://").is_some_and(|(scheme, rest)| is_scheme(scheme) && is_bare_loopback(rest));
    if single && (local || origins.allowed.contains(&origin)) { Ok(()) } else { Err(Refusal::forbidden_origin()) }
}

/// A scheme (RFC 3986, 3.1), lower case. Programs of this machine have schemes of their own.
fn is_scheme(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(letters)
}

/// A host and port of this machine, with nothing around it: no path, no user.
fn is_bare_loopback(authority: &str) -> bool {
    head::plain(authority).is_ok() && is_loopback(&host_of(authority))
}

/// The host of an authority: lower case, without port and without one trailing dot.
pub fn host_of(authority: &str) -> String {
    // By bytes: searching for a character costs several times as much in a text as short as this.
    let last = |wanted: u8| authority.bytes().rposition(|byte| byte == wanted);
    let end = match last(b']') {
        Some(bracket) => bracket + 1,
        None => last(b':').unwrap_or(authority.len()),
    };
    let host = authority[..end].to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
