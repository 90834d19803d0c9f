//! One request on a connection: its head is checked, the service answers, and the answer says whether the connection goes on.
//!
//! A panic in the service costs its own request a 500 and nobody else anything.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::head::{self, Fault};
use super::pace::{Busy, Pace};
use super::{Connection, Service};
use crate::drain::Signal;
use crate::telemetry::Metrics;

/// What the requests of one connection share.
pub(super) struct Answering<S> {
    pub(super) service: S,
    pub(super) connection: Connection,
    pub(super) pace: Arc<Pace>,
    pub(super) drain: Signal,
    pub(super) metrics: Metrics,
    /// Fields that a head may have.
    pub(super) head_fields: usize,
}

impl<S: Service> Answering<S> {
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Tracked<S::Body>>, Infallible> {
        let busy = self.pace.request();
        let http1 = request.version() < Version::HTTP_2;
        let (parts, body) = request.into_parts();
        let hidden_length = http1 && self.pace.is_length_left(parts.headers.contains_key(CONTENT_LENGTH));
        let (mut response, fault) = match head::check(&parts, self.head_fields, hidden_length) {
            Ok(()) => self.serve(Request::from_parts(parts, body)).await,
            Err(fault) => {
                self.metrics.cut(fault.word);
                (self.service.refuse(&self.connection, fault), true)
            }
        };
        if http1 && (fault || self.pace.is_last() || self.drain.is_draining()) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Tracked { body, _busy: busy }))
    }

    async fn serve(&self, request: Request<Incoming>) -> (Response<S::Body>, bool) {
        // The service's state is shared by requests and has no invariants that a panic half-way could break: counters, caches, atomics.
        match AssertUnwindSafe(self.service.call(&self.connection, request)).catch_unwind().await {
            Ok(response) => (response, false),
            Err(_) => {
                self.metrics.panicked();
                (self.service.refuse(&self.connection, Fault::PANICKED), true)
            }
        }
    }
}

/// A body that keeps its connection busy until it has gone.
pub(super) struct Tracked<B> {
    body: B,
    _busy: Busy,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Tracked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
