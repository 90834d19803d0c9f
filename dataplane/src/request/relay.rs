//! Phase 10 for an event stream: each event is read, spliced and passed on as it comes, until the answer to the call has passed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::Response;
use tokio::time::sleep;

use super::body::Body;
use super::cancel::Running;
use super::exchange::Exchange;
use super::failure::{Failure, UNFINISHED};
use super::forward::{self, Forward};
use super::message::Message;
use super::respond::{self, Rewriter, Rewritten};
use super::stream::{self, Place};
use super::vigil::Vigil;
use super::withdraw::Withdrawal;
use crate::mcp::revision::Era;
use crate::mcp::sse::{self, Parser};
use crate::mcp::{error, headers, message as build};
use crate::telemetry::Trace;
use crate::upstream::{Answer, AnswerBody, Deadlines};

/// One call's stream.
struct Relay {
    body: Option<AnswerBody>,
    parser: Parser,
    rewriter: Rewriter,
    forward: Forward,
    withdrawal: Option<Withdrawal>,
    running: Option<Running>,
    vigil: Vigil,
    heartbeat: Duration,
    worker: usize,
    trace: Trace,
    deadlines: Deadlines,
    _place: Place,
}

/// The entry of an older client's call among those that it may cancel.
pub fn running(exchange: &Exchange<'_>, message: &Message) -> Option<Running> {
    let session = message.session()?;
    Some(exchange.context.cancels.enter(session.fingerprint, message.id()?))
}

/// What a client gets that wants no answer any more: a stream that ends at once.
pub fn silence() -> Response<Body> {
    stream::response(futures::stream::empty())
}

/// Passes a server's event stream on.
pub fn relay(
    exchange: &Exchange<'_>,
    message: &Message,
    forward: Forward,
    rewriter: Rewriter,
    answer: Answer,
) -> Result<Response<Body>, Failure> {
    let place = stream::place(exchange).ok_or(Failure::TooManyStreams)?;
    let tool = message.name().map(|name| Arc::from(&*name));
    let relay = Relay {
        body: Some(answer.body),
        parser: Parser::new(exchange.context.limits.event_bytes),
        withdrawal: Withdrawal::of(exchange, &forward),
        running: running(exchange, message),
        vigil: Vigil::over(exchange, tool, message.session().map(|session| session.fingerprint)),
        heartbeat: exchange.context.limits.heartbeat,
        worker: exchange.worker,
        trace: exchange.trace.clone(),
        deadlines: exchange.deadlines(&forward.server),
        _place: place,
        forward,
        rewriter,
    };
    Ok(stream::response(relay.events()))
}

/// Said when a call may no longer be answered: a stream that just ended would leave its client waiting.
const WITHDRAWN: &str = "what allowed this call is no longer in force";

/// What happened on the way.
enum Happened {
    Chunk(Bytes),
    Broken(&'static str),
    /// The client wants no answer any more.
    Cancelled,
    /// The client may have no answer any more.
    Withdrawn,
    Quiet,
}

impl Relay {
    fn events(self) -> impl Stream<Item = Bytes> + Send {
        futures::stream::unfold(self, |mut relay| async move { relay.next().await.map(|event| (event, relay)) })
    }

    async fn next(&mut self) -> Option<Bytes> {
        while self.body.is_some() {
            match self.parser.event() {
                Ok(Some(event)) => match self.pass(&event.data) {
                    Some(event) => return Some(event),
                    None => continue,
                },
                Ok(None) => {}
                Err(_) => return Some(self.broken("an event of the server's stream is larger than its bound")),
            }
            match self.wait().await {
                Happened::Chunk(chunk) => self.parser.push(chunk),
                Happened::Broken(reason) => return Some(self.broken(reason)),
                Happened::Quiet => return Some(sse::KEEP_ALIVE),
                Happened::Cancelled => self.withdraw(),
                Happened::Withdrawn => {
                    self.withdraw();
                    let error = error::render(Some(&self.rewriter.id), error::DENIED, WITHDRAWN, None);
                    return Some(sse::encode(&error));
                }
            }
        }
        None
    }

    async fn wait(&mut self) -> Happened {
        let Some(body) = &mut self.body else { return Happened::Cancelled };
        let cancelled = async {
            match &self.running {
                Some(running) => running.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            chunk = body.chunk() => match chunk {
                Ok(Some(chunk)) => Happened::Chunk(chunk),
                Ok(None) => Happened::Broken("the server's stream ended without an answer"),
                Err(_) => Happened::Broken("the server's stream broke off"),
            },
            () = cancelled => Happened::Cancelled,
            () = self.vigil.until_withdrawn() => Happened::Withdrawn,
            () = sleep(self.heartbeat) => Happened::Quiet,
        }
    }

    /// One event; `None` where the agent is not to see it.
    fn pass(&mut self, data: &Bytes) -> Option<Bytes> {
        if data.is_empty() {
            return None;
        }
        match self.rewriter.rewrite(data) {
            Ok(Rewritten::Result(body)) => Some(self.last(&body)),
            Ok(Rewritten::Error { body, code }) if respond::is_for_agents(code) => Some(self.last(&body)),
            Ok(Rewritten::Error { .. }) => Some(self.broken("the server's answer is not one of the protocol's")),
            Ok(Rewritten::Unfinished) => Some(self.broken(UNFINISHED)),
            Ok(Rewritten::Notification(body)) => Some(sse::encode(&body)),
            Ok(Rewritten::Asked { id, ping }) => {
                self.reply(&id, ping);
                None
            }
            // What cannot be read is not about this call; the answer may still come.
            Ok(Rewritten::Foreign) | Err(_) => None,
        }
    }

    /// The answer ends the stream.
    fn last(&mut self, body: &Bytes) -> Bytes {
        self.end();
        sse::encode(body)
    }

    fn broken(&mut self, reason: &str) -> Bytes {
        self.end();
        let text = format!("server {}: {reason}", self.forward.server.label);
        sse::encode(&build::tool_error(&self.rewriter.id, self.rewriter.crossing.client.era(), &text))
    }

    /// Nobody gets the answer: the server hears of it.
    fn withdraw(&mut self) {
        self.body = None;
        if let Some(withdrawal) = self.withdrawal.take() {
            withdrawal.send();
        }
    }

    fn end(&mut self) {
        self.body = None;
        self.withdrawal = None;
    }

    /// No capability of a client was declared, so nothing may be asked of one; but that we live every server may ask.
    fn reply(&self, id: &Bytes, ping: bool) {
        if self.forward.revision.era() == Era::Modern {
            return;
        }
        let forward = &self.forward;
        let body = if ping {
            build::empty_result(id, Era::Legacy)
        } else {
            error::render(Some(id), error::METHOD_NOT_FOUND, "the client has not declared this", None)
        };
        let mut request = forward::plain(&forward.server, forward.session.as_deref(), &self.trace, body);
        headers::mirror(request.headers_mut(), forward.revision, "", None);
        let want = forward.session.as_ref().filter(|session| session.id.is_some());
        let want = want.map(|session| session.endpoint.clone());
        let (server, worker, deadlines) = (Arc::clone(&forward.server), self.worker, self.deadlines);
        tokio::spawn(async move {
            // A server that does not hear it goes on waiting by its own clock.
            let _ = server.upstream.send(worker, want.as_deref(), request, &deadlines).await;
        });
    }
}

impl Drop for Relay {
    /// The agent went away before the answer came. For a modern one that is a cancellation; an older one's call runs to its end.
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else { return };
        if self.rewriter.crossing.client.era() == Era::Modern {
            if let Some(withdrawal) = self.withdrawal.take() {
                withdrawal.send();
            }
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { while let Ok(Some(_)) = body.chunk().await {} });
        }
    }
}

#[cfg(test)]
mod tests;
