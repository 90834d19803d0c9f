//! The head of a request as it is written (RFC 9112, 3). Only the framing is ours; everything else is the caller's.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Request};

/// Writes a request's line and fields, and the blank line after them. A length or coding that the caller gave would be a second opinion on where the
/// body ends, and is left out.
pub(super) fn head(request: &Request<Bytes>, into: &mut BytesMut) {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    for part in [request.method().as_str(), " ", path, " HTTP/1.1\r\n"] {
        into.put_slice(part.as_bytes());
    }
    for (name, value) in request.headers() {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                into.put_slice(part);
            }
        }
    }
    let body = request.body();
    if !body.is_empty() || ![Method::GET, Method::HEAD, Method::DELETE].contains(request.method()) {
        into.put_slice(b"content-length: ");
        into.put_slice(itoa::Buffer::new().format(body.len()).as_bytes());
        into.put_slice(b"\r\n");
    }
    into.put_slice(b"\r\n");
}
