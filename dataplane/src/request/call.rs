//! Phases 5 to 10 of a `tools/call`: resolve, judge, forward, respond.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::arrival::{Arrival, Content};
use super::body::Body;
use super::detach::Detached;
use super::exchange::Exchange;
use super::failure::{Failure, UNFINISHED};
use super::forward::Forward;
use super::judge::{self, Target};
use super::message::Message;
use super::recover::{self, Cure, Misfit};
use super::refusal::Refusal;
use super::respond::{self, Rewriter, Rewritten};
use super::withdraw::{Guard, Withdrawal};
use super::{relay, session};
use crate::mcp::cross::Crossing;
use crate::mcp::message as build;
use crate::mcp::revision::{Era, Revision};
use crate::snapshot::Server;
use crate::snapshot::sessions::Opened;
use crate::upstream::UpstreamError;

/// Answers a call.
pub async fn call(exchange: &mut Exchange<'_>, message: &Message) -> Result<Response<Body>, Refusal> {
    let target = judge::target(exchange, message)?;
    let outcome = attempt(exchange, message, &target).await;
    outcome.or_else(|failure| fail(exchange, message, &target.server, &failure))
}

async fn attempt(exchange: &mut Exchange<'_>, message: &Message, target: &Target) -> Result<Response<Body>, Failure> {
    let server = &target.server;
    if server.credential.is_err() {
        return Err(Failure::NoCredential);
    }
    let Some(facts) = &server.facts else { return Err(Failure::Upstream(UpstreamError::NoEndpoint)) };
    let revision = facts.speak(message.revision());
    let mut cure: Option<Cure> = None;
    loop {
        let first = cure.is_none();
        let (reopened, params) = cure.map(Cure::parts).unwrap_or_default();
        let session = match reopened {
            Some(session) => Some(session),
            None => session_for(exchange, message, server, revision).await?,
        };
        let forward = Forward {
            server: Arc::clone(server),
            revision: session.as_ref().map_or(revision, |session| session.revision),
            id: exchange.context.next_id(),
            session,
            params,
        };
        let arrival = send(exchange, message, target, &forward).await;
        let misfit = arrival.as_ref().ok().and_then(|arrival| recover::misfit(&forward, arrival));
        recover::note(message, &forward, misfit.as_ref());
        let arrival = arrival?;
        cure = match misfit {
            Some(misfit) if first => Box::pin(recover::cure(exchange, message, target, &forward, misfit)).await?,
            Some(Misfit::Session) => return Err(Failure::SessionLost),
            _ => None,
        };
        if cure.is_none() {
            return respond(exchange, message, forward, arrival);
        }
    }
}

/// The session that the call belongs to on its server: the agent's own, or one that we hold for a modern client.
async fn session_for(
    exchange: &Exchange<'_>,
    message: &Message,
    server: &Arc<Server>,
    revision: Revision,
) -> Result<Option<Arc<Opened>>, Failure> {
    if revision.era() == Era::Modern {
        return Ok(None);
    }
    if let Some(agents) = message.session() {
        return agents.upstream(server).map_err(|_| Failure::AbsentFromSession);
    }
    // Boxed: it is large, rare, and would make every call's future larger.
    let open = Box::pin(session::open_upstream(exchange, server, revision, None));
    Ok(Some(Box::pin(server.legacy.get(&exchange.owner(), open)).await?))
}

async fn send(
    exchange: &mut Exchange<'_>,
    message: &Message,
    target: &Target,
    forward: &Forward,
) -> Result<Arrival, Failure> {
    let request = forward.request(exchange, message, target).map_err(Failure::Arguments)?;
    let server = Arc::clone(&forward.server);
    let session = forward.session.clone().filter(|session| session.id.is_some());
    let deadlines = exchange.deadlines(&server);
    let worker = exchange.worker;
    if message.is_modern() {
        // A modern client that goes away has cancelled: what is under way is dropped, and an older server told so.
        let guard = Guard::arm(exchange, forward);
        let want = session.as_ref().map(|session| session.endpoint.as_str());
        let answer = server.upstream.send(worker, want, request, &deadlines).await;
        let arrival = match answer {
            Ok(answer) => Arrival::of(answer).await,
            Err(error) => Err(error),
        };
        guard.disarm();
        return Ok(arrival?);
    }
    // An older client that goes away has not cancelled: the call runs to its end all the same.
    let mut sending = Detached::new(async move {
        let want = session.as_ref().map(|session| session.endpoint.as_str());
        Arrival::of(server.upstream.send(worker, want, request, &deadlines).await?).await
    });
    let Some(running) = relay::running(exchange, message) else { return Ok(sending.await?) };
    tokio::select! {
        arrival = &mut sending => Ok(arrival?),
        () = running.cancelled() => {
            sending.abandon();
            if let Some(withdrawal) = Withdrawal::of(exchange, forward) {
                withdrawal.send();
            }
            Err(Failure::Cancelled)
        }
    }
}

fn respond(
    exchange: &mut Exchange<'_>,
    message: &Message,
    forward: Forward,
    arrival: Arrival,
) -> Result<Response<Body>, Failure> {
    let rewriter = Rewriter {
        ours: forward.id,
        id: message.raw_id(),
        progress: message.progress_token(),
        declared: message.capabilities(),
        crossing: Crossing { client: message.revision(), upstream: forward.revision },
    };
    let refused = arrival.is_refusal();
    let bytes = match arrival.content {
        Content::Events(answer) => return relay::relay(exchange, message, forward, rewriter, *answer),
        Content::Message(bytes) => bytes,
        Content::Other => Bytes::new(),
    };
    match rewriter.rewrite(&bytes) {
        Ok(Rewritten::Result(body)) => Ok(respond::json(StatusCode::OK, body)),
        Ok(Rewritten::Error { body, code }) if respond::is_for_agents(code) => {
            exchange.account.code(code);
            Ok(respond::json(respond::status(code, message.era()), body))
        }
        Ok(Rewritten::Unfinished) => Err(Failure::Invalid(UNFINISHED)),
        _ if refused => Err(Failure::Invalid("the server refused the gateway's credentials")),
        _ => Err(Failure::Invalid("the server's answer is not one of the protocol's")),
    }
}

/// What the agent is told when its call got no answer: a result that a model can read, with the server's name and none of its words.
fn fail(
    exchange: &mut Exchange<'_>,
    message: &Message,
    server: &Server,
    failure: &Failure,
) -> Result<Response<Body>, Refusal> {
    let (word, text) = match failure {
        Failure::SessionLost if message.is_modern() => {
            ("session_lost", format!("server {} does not keep the sessions that it opens", server.label))
        }
        Failure::SessionLost => return Err(Refusal::no_session(message.id())),
        // The protocol wants no answer to a request that was taken back.
        Failure::Cancelled => return Ok(relay::silence()),
        Failure::Arguments(fault) => ("bad_arguments", fault.message().into_owned()),
        Failure::Upstream(UpstreamError::Overloaded) => {
            exchange.account.failed(UpstreamError::Overloaded.word());
            let text = format!("server {} has as many calls under way as it may have", server.label);
            return Err(Refusal::unavailable(&text));
        }
        Failure::Upstream(error) => (error.word(), format!("server {} did not answer: {error}", server.label)),
        Failure::TooManyStreams => return Err(Refusal::unavailable("too many open streams")),
        Failure::Invalid(reason) => ("invalid_answer", format!("server {}: {reason}", server.label)),
        Failure::NoCredential => {
            ("no_credential", format!("server {}: the gateway's credentials for it are not to be had", server.label))
        }
        Failure::AbsentFromSession => (
            "absent",
            format!("server {} did not answer when this session began; a new session will have it", server.label),
        ),
    };
    exchange.account.failed(word);
    let body: Bytes = build::tool_error(&message.raw_id(), message.era(), &text);
    Ok(respond::json(StatusCode::OK, body))
}
