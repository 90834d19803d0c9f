use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use super::body::Body;
use super::context::Context;
use crate::listener::Connection;

/// Bytes of the future that serves a request.
fn size<'a, F, O>(_: F) -> usize
where
    F: FnOnce(&'a Arc<Context>, &'a Connection, Request<Incoming>) -> O,
    O: Future<Output = Response<Body>>,
{
    size_of::<O>()
}

#[test]
fn a_request_under_way_is_small_enough_to_be_moved_about() {
    let size = size(super::serve);
    assert!(size <= 8192, "{size} bytes: box what is rare");
}
