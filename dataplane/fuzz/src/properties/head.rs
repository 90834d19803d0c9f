//! Host and Origin.

use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};
use url::{Host, Url};

use crate::listener::head::authority;
use crate::request::admit::{Origins, admit};

/// Lines of the target, of each Host and of each Origin (which begins with `o`). What is admitted on loopback is a host of this machine or of
/// a route, and an origin that is allowed or of this machine, as a browser's own parser reads them.
pub fn head(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let Ok(mut request) = Request::post(target).body(()) else { return };
    for line in lines {
        let (name, value) = match line.strip_prefix(b"o") {
            Some(origin) => (ORIGIN, origin),
            None => (HOST, line),
        };
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        request.headers_mut().append(name, value);
    }
    let (head, ()) = request.into_parts();
    if authority(&head).is_err() {
        return;
    }
    let origins = Origins { allowed: vec!["https://app.example".to_owned()], loopback: true };
    let Ok(admitted) = admit(&head, &origins, |host| host == "mcp.acme.example") else { return };
    assert!(head.headers.get_all(HOST).iter().count() <= 1 && head.headers.get_all(ORIGIN).iter().count() <= 1);
    let url = Url::parse(&format!("http://{}/", admitted.authority)).expect("an authority that browsers know");
    assert!(is_local(&url) || url.host_str() == Some("mcp.acme.example") || admitted.host == "mcp.acme.example");
    let Some(origin) = head.headers.get(ORIGIN) else { return };
    let origin = origin.to_str().expect("visible text");
    let url = Url::parse(origin).unwrap_or_else(|error| panic!("{origin:?} is no origin: {error}"));
    assert!(is_local(&url) || url.origin().ascii_serialization() == "https://app.example", "{origin:?}");
    assert!(url.username().is_empty() && url.query().is_none() && url.fragment().is_none(), "{origin:?}");
}

/// Whether a URL's host is this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            // Other schemes than those of the web have hosts that nobody has taken apart.
            name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
