//! The form of a request on the wire: HTTP/1.1 wants a path and `Host`, HTTP/2 wants scheme and authority and no `Host`.
//! Everything else of a request is the caller's and passes untouched.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};

use super::connection::Carrier;

/// Gives a request the form that its connection needs.
pub(super) fn fit<B>(request: &mut Request<B>, carrier: &Carrier, authority: &Authority, tls: bool) {
    match carrier {
        Carrier::Http1(_) => origin_form(request, authority),
        Carrier::Http2(_) => absolute_form(request, authority, tls),
    }
}

fn origin_form<B>(request: &mut Request<B>, authority: &Authority) {
    if request.uri().authority().is_some() {
        let path = path_of(request.uri());
        *request.uri_mut() = Uri::from(path);
    }
    if !request.headers().contains_key(HOST)
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
}

fn absolute_form<B>(request: &mut Request<B>, authority: &Authority, tls: bool) {
    request.headers_mut().remove(HOST);
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if tls { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(path_of(request.uri()));
    // Scheme, authority and path together are always a URI.
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

fn path_of(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}
