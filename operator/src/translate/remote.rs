//! Reads the URL of a remote server, and of whatever else is outside.

use portolan_config::proto::Remote;
use url::{Host, Url};

/// A remote's parts: where to dial and what to ask for there.
#[derive(Debug, PartialEq)]
pub struct Parsed {
    /// Where to dial.
    pub remote: Remote,
    /// What requests carry as `Host`: with the port only where it is not the scheme's own.
    pub authority: String,
    /// Path and query, with a leading slash.
    pub path: String,
}

/// Parses `url`. The error says what is wrong with it, and never repeats user information that it may hold.
pub fn parse(url: &str, tls_hostname: Option<&str>) -> Result<Parsed, String> {
    let url = plain(url)?;
    let tls = url.scheme() == "https";
    if !tls && tls_hostname.is_some() {
        return Err("tls.hostname without https".to_owned());
    }
    let (host, written) = match url.host() {
        Some(Host::Domain(name)) => (name.to_owned(), name.to_owned()),
        Some(Host::Ipv4(ip)) => (ip.to_string(), ip.to_string()),
        Some(Host::Ipv6(ip)) => (ip.to_string(), format!("[{ip}]")),
        None => return Err("names no host".to_owned()),
    };
    let port = url.port_or_known_default().unwrap_or(if tls { 443 } else { 80 });
    let authority = url.port().map_or(written.clone(), |port| format!("{written}:{port}"));
    let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let tls_hostname = tls_hostname.unwrap_or_default().to_owned();
    Ok(Parsed { remote: Remote { host, port: port.into(), tls, tls_hostname }, authority, path })
}

/// Parses an `http` or `https` URL without credentials.
pub(super) fn plain(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(format!("scheme {:?} is neither https nor http", url.scheme()));
    }
    // The parser mends what is missing, and would take the path's first segment for the host.
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.starts_with(['/', '\\'])) {
        return Err("names no host after https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds user information; credentials belong in a Secret".to_owned());
    }
    if text.contains('#') {
        return Err("holds a fragment, which is never sent".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
