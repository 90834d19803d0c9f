//! A request, from its head to its account: a fixed list of phases that reads like the architecture's.
//!
//! Every decision is made on one snapshot and on the very bytes that go on. Nothing here parses arguments, re-serialises a message or waits under
//! a lock; nothing depends on how many tools, servers or routes there are.

pub mod admit;
pub mod arrival;
pub mod authenticate;
pub mod body;
pub mod call;
pub mod cancel;
pub mod context;
pub mod detach;
pub mod discover;
pub mod exchange;
pub mod failure;
pub mod forward;
pub mod intake;
pub mod judge;
pub mod legacy;
pub mod list;
pub mod message;
pub mod metadata;
pub mod pages;
pub mod presented;
pub mod recover;
pub mod refusal;
pub mod relay;
pub mod remembered;
pub mod respond;
pub mod schema;
pub mod session;
pub mod stream;
pub mod vigil;
pub mod withdraw;

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use sha2::{Digest, Sha256};

use self::body::Body;
use self::context::Context;
use self::exchange::Exchange;
use self::message::{Inbound, Message};
use self::refusal::Refusal;
use crate::listener::Connection;
use crate::snapshot::Resource;
use crate::telemetry::{self, Account, Principal, Trace};

/// Serves one request. Whatever happens, there is an answer, and one account of it.
pub async fn serve(context: &Arc<Context>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let trace = Trace::of(request.headers());
    let mut account = Box::new(context.telemetry.account(&trace, request.method()));
    match phases(context, connection, request, trace, &mut account).await {
        Ok(response) => settled(response, account),
        Err(refusal) => {
            refusal.enter(&mut account);
            settled(refusal.into_response(), account)
        }
    }
}

async fn phases(
    context: &Arc<Context>,
    connection: &Connection,
    request: Request<Incoming>,
    trace: Trace,
    account: &mut Account,
) -> Result<Response<Body>, Refusal> {
    let snapshot = context.snapshot();
    let (head, incoming) = request.into_parts();
    let admitted = admit::admit(&head, &context.origins, |host| snapshot.names_host(host))?;
    if snapshot.is_empty() {
        return Err(Refusal::unavailable("this gateway has no configuration yet"));
    }
    if let Some(document) = metadata::document(&snapshot, connection, &admitted, &head) {
        return document;
    }
    let route = snapshot.route(&admitted.host, head.uri.path()).cloned().ok_or_else(Refusal::no_route)?;
    account.matched(&route.series, route.generation);
    if route.closed {
        return Err(Refusal::unavailable("this endpoint is held: its configuration is invalid"));
    }
    let resource = Resource { scheme: connection.scheme(), authority: admitted.authority };
    let identity = authenticate::authenticate(context, &route, &resource, &head.headers, context::now())?;
    account.called_by(Principal { issuer: Arc::clone(&identity.issuer), subject: Arc::clone(&identity.subject) });
    judge::endpoint(&route, &identity)?;
    let mut exchange = Exchange {
        context: Arc::clone(context),
        snapshot,
        route,
        identity,
        worker: connection.worker,
        host: admitted.host,
        resource,
        trace,
        account,
        headers: head.headers,
    };
    match head.method {
        Method::GET => stream::listen(&exchange),
        Method::DELETE => session::end(&exchange),
        _ => post(&mut exchange, incoming).await,
    }
}

async fn post(exchange: &mut Exchange<'_>, incoming: Incoming) -> Result<Response<Body>, Refusal> {
    let message = message::read(exchange, incoming).await?;
    exchange.account.asked(telemetry::Method::of(&message.method()));
    if let Some((parent, state)) = message.trace_context() {
        exchange.trace.join(parent, state);
        exchange.account.traced(&exchange.trace);
    }
    if let Some(arguments) = message.arguments().filter(|_| exchange.account.wants_digest()) {
        exchange.account.arguments(Sha256::digest(arguments).into());
    }
    let id = message.id();
    dispatch(exchange, &message).await.map_err(|refusal| refusal.for_id(id))
}

/// What takes long is boxed: a request's future is moved several times on its way in.
async fn dispatch(exchange: &mut Exchange<'_>, message: &Message) -> Result<Response<Body>, Refusal> {
    match message.inbound {
        Inbound::Initialize => Box::pin(session::initialize(exchange, message)).await,
        Inbound::Notification | Inbound::ClientResponse => Ok(legacy::accept(exchange, message)),
        Inbound::Request => match &*message.method() {
            "tools/call" => Box::pin(call::call(exchange, message)).await,
            "tools/list" => Box::pin(list::list(exchange, message)).await,
            "server/discover" if message.is_modern() => Ok(discover::discover(exchange, message)),
            "ping" if !message.is_modern() => Ok(legacy::pong(message)),
            _ => Err(message.unknown_method()),
        },
    }
}

/// The account leaves with the last byte of the body.
fn settled(response: Response<Body>, mut account: Box<Account>) -> Response<Body> {
    account.status(response.status());
    response.map(|body| body.with_account(account))
}

#[cfg(test)]
mod tests;
