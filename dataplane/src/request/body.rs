//! What goes back to an agent, without dynamic dispatch for plain answers; and how its request is read.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::refusal::Refusal;
use crate::telemetry::Account;

/// The body of an answer. The request's account goes with it, so that its time and bytes are known when the last of them has left.
pub struct Body {
    kind: Kind,
    account: Option<Box<Account>>,
}

enum Kind {
    Full(Bytes),
    Events(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// These bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self { kind: Kind::Full(bytes.into()), account: None }
    }

    /// Events as they come; dropping the body drops their source.
    pub fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { kind: Kind::Events(Box::pin(events)), account: None }
    }

    /// The same body, which writes the account when it ends.
    pub fn with_account(mut self, account: Box<Account>) -> Self {
        self.account = Some(account);
        self
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = match &mut self.kind {
            Kind::Full(bytes) if bytes.is_empty() => None,
            Kind::Full(bytes) => Some(std::mem::take(bytes)),
            Kind::Events(events) => std::task::ready!(events.as_mut().poll_next(context)),
        };
        if next.is_none() {
            self.account = None;
        }
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.kind, Kind::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}

/// Reads a request's body whole: at most `bound` bytes, within `patience`. One frame, the usual case, is not copied.
pub async fn read(body: Incoming, bound: u64, patience: Duration) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > bound {
        discard(body, bound).await;
        return Err(Refusal::request_too_large(bound));
    }
    let mut reading = pin!(collect(body, bound));
    // Most bodies come with their head: a timer is made for one that does not.
    if let Poll::Ready(result) = futures::poll!(reading.as_mut()) {
        return result;
    }
    match tokio::time::timeout(patience, reading).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::body_too_slow()),
    }
}

/// Reads on for a little while: a connection that is closed with bytes unread is reset, and its client never sees why.
async fn discard(mut body: Incoming, bound: u64) {
    let mut left = bound.saturating_mul(2);
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) else { return };
            left = rest;
        }
    };
    // Whoever is slower than this does not deserve the patience.
    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
}

async fn collect(mut body: Incoming, bound: u64) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // A broken chunk or a vanished client: nobody is there to read what we say.
        let frame = frame.map_err(|_| Refusal::body_broken())?;
        let Ok(data) = frame.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > bound {
            return Err(Refusal::request_too_large(bound));
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
