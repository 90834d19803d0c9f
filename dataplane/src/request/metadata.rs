//! RFC 9728: one protected-resource document for each endpoint, at the well-known path with the endpoint's path behind it.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response};

use super::admit::Admitted;
use super::body::Body;
use super::refusal::Refusal;
use crate::listener::Connection;
use crate::snapshot::{Resource, Route, Snapshot};

/// Where the documents are.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document that is asked for; `None` where the path is none of ours.
pub fn document(
    snapshot: &Snapshot,
    connection: &Connection,
    admitted: &Admitted,
    head: &Parts,
) -> Option<Result<Response<Body>, Refusal>> {
    let path = head.uri.path().strip_prefix(WELL_KNOWN)?;
    if head.method != Method::GET {
        return Some(Err(Refusal::wrong_method()));
    }
    let document = snapshot.route(&admitted.host, path).and_then(|route| {
        let resource = Resource { scheme: connection.scheme(), authority: admitted.authority.clone() };
        route.metadata_document(&route.resource(&resource))
    });
    Some(document.map(respond).ok_or_else(Refusal::no_route))
}

fn respond(document: bytes::Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(document));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    response
}

/// Where the document of a route is, for `WWW-Authenticate`.
pub fn url(route: &Route, Resource { scheme, authority }: &Resource) -> String {
    match &route.external_url {
        Some(url) => format!("{}{WELL_KNOWN}{}", url.trim_end_matches('/'), route.path),
        None => format!("{scheme}://{authority}{WELL_KNOWN}{}", route.path),
    }
}
