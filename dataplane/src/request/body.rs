//! What goes back to an agent, without dynamic dispatch for plain answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::telemetry::Account;

/// The body of an answer. The request's account goes with it, so that its time and bytes are known when the last of them has left.
pub struct Body {
    kind: Kind,
    account: Option<Box<Account>>,
}

enum Kind {
    Full(Bytes),
    /// All of it, in two parts so that the second can be shared without being copied. Boxed: every answer's future would grow by it.
    Parts(Box<[Bytes; 2]>),
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

    /// These bytes, one part after the other.
    pub fn parts(first: Bytes, second: Bytes) -> Self {
        Self { kind: Kind::Parts(Box::new([first, second])), account: None }
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
            Kind::Parts(parts) => parts.iter_mut().find(|part| !part.is_empty()).map(std::mem::take),
            Kind::Events(events) => std::task::ready!(events.as_mut().poll_next(context)),
        };
        if next.is_none() {
            self.account = None;
        }
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Parts(parts) => parts.iter().all(Bytes::is_empty),
            Kind::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Parts(parts) => SizeHint::with_exact(parts.iter().map(Bytes::len).sum::<usize>() as u64),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}
