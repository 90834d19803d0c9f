//! Phase 10 for one message: what a server sent, with the agent's id and token spliced back in and the revisions' differences evened out.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::body::Body;
use crate::mcp::answer::{InvalidAnswer, ResponseEnvelope, scan_response};
use crate::mcp::cross::{self, Crossing};
use crate::mcp::envelope::Shape;
use crate::mcp::error;
use crate::mcp::revision::Era;

/// A JSON answer.
pub fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    json_body(status, Body::full(body))
}

/// The same of a body that is one already.
pub fn json_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// How the messages of one call are turned back into the agent's.
pub struct Rewriter {
    /// The id that we gave the request.
    pub ours: u64,
    /// The agent's id, as it was written.
    pub id: Bytes,
    /// The agent's progress token, as it was written.
    pub progress: Option<Bytes>,
    /// What a modern agent declared that it can do, as it was written; nothing of it was declared to the server.
    pub declared: Option<Bytes>,
    /// Who speaks what.
    pub crossing: Crossing,
}

/// A server's message, seen from the agent's side.
#[derive(Debug)]
pub enum Rewritten {
    /// The result of this call.
    Result(Bytes),
    /// The error that the server answered this call with.
    Error {
        /// What to send.
        body: Bytes,
        /// Its code.
        code: i64,
    },
    /// The server wants something of the agent before it goes on (2026-07-28), which we did not say the agent could give.
    Unfinished,
    /// Something about this call that the agent may see.
    Notification(Bytes),
    /// The server asks us something.
    Asked {
        /// The id as it was written.
        id: Bytes,
        /// Whether it asks no more than whether we live.
        ping: bool,
    },
    /// Not about this call: dropped.
    Foreign,
}

impl Rewriter {
    /// Rewrites one message.
    pub fn rewrite(&self, body: &Bytes) -> Result<Rewritten, InvalidAnswer> {
        let envelope = scan_response(body)?;
        Ok(match envelope.shape {
            Shape::Response => self.answer(body, &envelope),
            Shape::Notification => self.notification(body, &envelope),
            Shape::Request => match envelope.id {
                Some(id) => Rewritten::Asked {
                    id: body.slice(id.range()),
                    ping: envelope.method.is_some_and(|method| method.is(body, "ping")),
                },
                None => Rewritten::Foreign,
            },
            Shape::Batch => Rewritten::Foreign,
        })
    }

    fn answer(&self, body: &Bytes, envelope: &ResponseEnvelope) -> Rewritten {
        // An error without an id is about a message that the server could not read: ours was the only one.
        let ours = match envelope.id {
            Some(id) => self.is_ours(id.of(body)),
            None => envelope.error.is_some(),
        };
        if !ours {
            return Rewritten::Foreign;
        }
        match (&envelope.result, &envelope.error) {
            (Some(result), _) if !result.is_complete(body) => Rewritten::Unfinished,
            (_, Some(error)) if error.code == Some(error::MISSING_CAPABILITY) && !self.agent_lacks(body) => {
                Rewritten::Unfinished
            }
            (_, Some(error)) => Rewritten::Error {
                body: cross::response(body, envelope, self.crossing, &self.id),
                code: error.code.unwrap_or_default(),
            },
            _ => Rewritten::Result(cross::response(body, envelope, self.crossing, &self.id)),
        }
    }

    /// Whether what the server misses is missing in the agent's own declaration. Otherwise the gateway kept it back, and the agent could do nothing
    /// about it; nor does an older agent know such an error.
    fn agent_lacks(&self, body: &Bytes) -> bool {
        #[derive(Deserialize)]
        struct Answer {
            error: Complaint,
        }
        #[derive(Deserialize)]
        struct Complaint {
            data: Missing,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Missing {
            required_capabilities: BTreeMap<String, IgnoredAny>,
        }
        let declared = self.declared.as_ref().and_then(|text| serde_json::from_slice(text).ok());
        let answer = serde_json::from_slice::<Answer>(body).ok();
        let (Some(declared), Some(answer)) = (declared, answer) else { return false };
        let declared: BTreeMap<String, IgnoredAny> = declared;
        answer.error.data.required_capabilities.keys().all(|name| !declared.contains_key(name))
    }

    fn is_ours(&self, id: &[u8]) -> bool {
        itoa::Buffer::new().format(self.ours).as_bytes() == id
    }

    fn notification(&self, body: &Bytes, envelope: &ResponseEnvelope) -> Rewritten {
        let is = |name: &str| envelope.method.is_some_and(|method| method.is(body, name));
        if is("notifications/message") {
            return Rewritten::Notification(body.clone());
        }
        match (envelope.progress_token, &self.progress) {
            (Some(token), Some(agents)) if is("notifications/progress") && self.is_ours(token.of(body)) => {
                Rewritten::Notification(cross::progress(body, envelope, agents))
            }
            _ => Rewritten::Foreign,
        }
    }
}

/// Whether an agent is told a server's error as it is. Codes about the transport or the message's form are complaints about our request, which
/// would only confuse the agent; that its own declaration lacks something is for it to know.
pub fn is_for_agents(code: i64) -> bool {
    code == error::MISSING_CAPABILITY || !matches!(code, -32700 | -32601 | -32600 | -32099..=-32020)
}

/// The status of a server's error: 400 where the protocol fixes it (2026-07-28, Streamable HTTP), else 200.
pub fn status(code: i64, era: Era) -> StatusCode {
    if era == Era::Modern && code == error::MISSING_CAPABILITY { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

#[cfg(test)]
mod tests;
