//! Phase 9: the agent's bytes with a few of them spliced, under headers of our own, on their way to a server.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::exchange::Exchange;
use super::judge::Target;
use super::message::Message;
use crate::mcp::cross::{self, Crossing, Outbound};
use crate::mcp::headers::{self, HeaderFault, PARAM_PREFIX, SESSION_ID};
use crate::mcp::param::{self, ParamHeader};
use crate::mcp::revision::{Era, Revision};
use crate::snapshot::Server;
use crate::snapshot::sessions::Opened;
use crate::telemetry::Trace;
use crate::telemetry::trace::{TRACEPARENT, TRACESTATE};

/// Everything about a call that its request to the server is made of.
pub struct Forward {
    /// The server.
    pub server: Arc<Server>,
    /// The revision that is spoken with it.
    pub revision: Revision,
    /// The id that we give the request.
    pub id: u64,
    /// The session that it belongs to, where the server keeps one.
    pub session: Option<Arc<Opened>>,
    /// The mirrored arguments, where the server has others by now than its catalogue says.
    pub params: Option<Arc<[ParamHeader]>>,
}

impl Forward {
    /// Whether the server will look the request's session up.
    pub fn is_in_session(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.id.is_some())
    }

    /// The request, whole.
    pub fn request(
        &self,
        exchange: &Exchange<'_>,
        message: &Message,
        target: &Target,
    ) -> Result<Request<Bytes>, HeaderFault> {
        let tool = &exchange.route.tools.all()[target.index];
        let id = self.id.to_string();
        let parent = exchange.trace.child();
        let outbound = Outbound {
            id: id.as_bytes(),
            name: (tool.own != tool.exposed).then_some(&*tool.own),
            // Our id serves as our token: it is unique among all that is under way there.
            progress_token: message.progress_token().is_some().then_some(id.as_bytes()),
            traceparent: (self.revision.era() == Era::Modern || message.names_trace()).then_some(&*parent),
            client_info: message.session().and_then(|session| session.contents.client_info.as_deref()),
        };
        let crossing = Crossing { client: message.revision(), upstream: self.revision };
        let body = cross::request(&message.bytes, &message.envelope, crossing, &outbound);
        let mut request = headed(&self.server, self.session.as_deref(), &exchange.trace, &parent, body);
        headers::mirror(request.headers_mut(), self.revision, "tools/call", Some(&tool.own));
        if self.revision.era() == Era::Modern {
            pass_unknown_params(&exchange.headers, request.headers_mut());
            for (name, value) in param::compute(self.params.as_deref().unwrap_or(&tool.headers), message.arguments())? {
                request.headers_mut().insert(name, value);
            }
        }
        Ok(request)
    }
}

/// Mirrored arguments that the schema we know does not ask for may be of a newer one: they go on (2026-07-28, custom headers).
fn pass_unknown_params(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if name.as_str().starts_with(PARAM_PREFIX) {
            to.append(name.clone(), value.clone());
        }
    }
}

/// A request to a server with the headers that all of them have. None of the agent's own headers goes on.
pub fn plain(server: &Server, session: Option<&Opened>, trace: &Trace, body: Bytes) -> Request<Bytes> {
    headed(server, session, trace, &trace.child(), body)
}

/// The same where the trace's parent is already written out.
fn headed(server: &Server, session: Option<&Opened>, trace: &Trace, parent: &str, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from(server.target().clone());
    let headers = request.headers_mut();
    headers.reserve(10);
    headers.insert(HOST, server.part.authority.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(id) = session.and_then(|session| session.id.clone()) {
        headers.insert(SESSION_ID, id);
    }
    authenticate(headers, server);
    if let Ok(value) = HeaderValue::from_str(parent) {
        headers.insert(TRACEPARENT, value);
    }
    if let Some(state) = trace.state() {
        headers.insert(TRACESTATE, state.clone());
    }
    request
}

fn authenticate(headers: &mut HeaderMap, server: &Server) {
    if let Ok(Some((name, value))) = &server.credential {
        headers.insert(name.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests;
