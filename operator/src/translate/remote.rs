//! Reads the URL of a remote server.

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
    let url = Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(format!("scheme {other:?} is neither https nor http")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds user information: credentials belong in a Secret".to_owned());
    }
    if url.fragment().is_some() {
        return Err("holds a fragment, which is never sent".to_owned());
    }
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

#[cfg(test)]
mod tests;
