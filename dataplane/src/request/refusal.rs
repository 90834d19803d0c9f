//! Every way in which the gateway itself says no: status, JSON-RPC code and words in one place, as the API's table of refusals has them.
//!
//! A refusal never repeats an expression, an address or an upstream's words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::body::Body;
use crate::mcp::error;
use crate::telemetry::{Account, Verdict};

/// What an agent is told instead of an answer.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON-RPC error, where the refusal has one.
    pub rpc: Option<Box<Rpc>>,
    /// Words for people, where there is no JSON-RPC error to tell them in.
    pub text: Option<Box<str>>,
    /// One more header: where to get a token, when to come back, what is allowed.
    pub header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The word for audit and metrics.
    pub word: &'static str,
    /// The policy and rule that said no.
    pub by: Option<By>,
}

/// A JSON-RPC error.
#[derive(Debug)]
pub struct Rpc {
    /// The request's id as it was written, where it is known.
    pub id: Option<Bytes>,
    /// The code.
    pub code: i64,
    /// Words for people.
    pub message: String,
    /// `error.data`, raw JSON.
    pub data: Option<Vec<u8>>,
}

/// Who refused.
#[derive(Clone, Debug)]
pub struct By {
    /// The policy, "namespace/name".
    pub policy: Arc<str>,
    /// The rule or limit in it.
    pub rule: Arc<str>,
}

impl Refusal {
    /// A bare HTTP refusal.
    pub fn http(status: StatusCode, word: &'static str) -> Self {
        Self { status, rpc: None, text: None, header: None, word, by: None }
    }

    /// A refusal with a JSON-RPC error.
    pub fn rpc(
        status: StatusCode,
        word: &'static str,
        id: Option<Bytes>,
        code: i64,
        message: impl Into<String>,
    ) -> Self {
        let rpc = Rpc { id, code, message: message.into(), data: None };
        Self { rpc: Some(Box::new(rpc)), ..Self::http(status, word) }
    }

    /// The same with `error.data`.
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        if let Some(rpc) = &mut self.rpc {
            rpc.data = Some(data);
        }
        self
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| Box::new((name, value)));
        self
    }

    /// The same with the policy and rule that said no.
    pub fn by(mut self, by: By) -> Self {
        self.by = Some(by);
        self
    }

    /// The same for the request of this id, where none is set yet.
    pub fn for_id(mut self, id: Option<Bytes>) -> Self {
        if let Some(rpc) = self.rpc.as_mut().filter(|rpc| rpc.id.is_none()) {
            rpc.id = id;
        }
        self
    }

    /// No route has this host and path.
    pub fn no_route() -> Self {
        Self::http(StatusCode::NOT_FOUND, "no_route")
    }

    /// A method that an endpoint does not have.
    pub fn wrong_method() -> Self {
        Self::http(StatusCode::METHOD_NOT_ALLOWED, "wrong_method").with_header(ALLOW, "POST, GET, DELETE")
    }

    /// GET and DELETE belong to older clients' sessions; without one there is only POST.
    pub fn post_only() -> Self {
        Self::http(StatusCode::METHOD_NOT_ALLOWED, "wrong_method").with_header(ALLOW, "POST")
    }

    /// The Host or Origin is not one that may speak here.
    pub fn forbidden_origin() -> Self {
        Self::http(StatusCode::FORBIDDEN, "forbidden_origin")
    }

    /// Not JSON.
    pub fn wrong_media_type() -> Self {
        Self::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_media_type")
    }

    /// The agent cannot read what we may answer.
    pub fn not_acceptable() -> Self {
        Self::http(StatusCode::NOT_ACCEPTABLE, "not_acceptable")
    }

    /// No token, or a bad one; `challenge` says where to get one.
    pub fn unauthorized(challenge: &str) -> Self {
        Self::http(StatusCode::UNAUTHORIZED, "unauthorized").with_header(WWW_AUTHENTICATE, challenge)
    }

    /// The body is larger than the bound.
    pub fn request_too_large(bound: u64) -> Self {
        let text = format!("the request is larger than {bound} bytes\n");
        Self { text: Some(text.into()), ..Self::http(StatusCode::PAYLOAD_TOO_LARGE, "too_large") }
    }

    /// The body did not come in time.
    pub fn body_too_slow() -> Self {
        Self::http(StatusCode::REQUEST_TIMEOUT, "body_too_slow")
    }

    /// The body broke off.
    pub fn body_broken() -> Self {
        Self::http(StatusCode::BAD_REQUEST, "body_broken")
    }

    /// Nothing to serve from, or what is asked for is held without a good version.
    pub fn unavailable(message: &str) -> Self {
        Self::rpc(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None, error::UNAVAILABLE, message)
            .with_header(RETRY_AFTER, "1")
    }

    /// Over a rate limit.
    pub fn limited(id: Option<Bytes>, by: By, retry_after: Duration) -> Self {
        let message = format!("over the limit {:?}", by.rule);
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self::rpc(StatusCode::TOO_MANY_REQUESTS, "limited", id, error::LIMITED, message)
            .with_header(RETRY_AFTER, &seconds.max(1).to_string())
            .by(by)
    }

    /// The session is unknown here: ended, expired, of another principal or route, or not one of ours. The client begins a new one.
    pub fn no_session(id: Option<Bytes>) -> Self {
        Self::rpc(StatusCode::NOT_FOUND, "no_session", id, error::INVALID_REQUEST, "no such session")
    }

    /// Writes the refusal down.
    pub fn enter(&self, account: &mut Account) {
        let verdict = match self.word {
            "unauthorized" => Verdict::Unauthenticated,
            "limited" => Verdict::Limited,
            "unavailable" => Verdict::Unavailable,
            _ if self.by.is_some() => Verdict::Deny,
            _ => Verdict::Invalid,
        };
        let by = self.by.as_ref();
        account.judged(verdict, by.map(|by| Arc::clone(&by.policy)), by.map(|by| Arc::clone(&by.rule)));
        account.refused_for(self.word);
        if let Some(rpc) = &self.rpc {
            account.code(rpc.code);
        }
    }

    /// The answer to send.
    pub fn into_response(self) -> Response<Body> {
        let mut response = match self.rpc {
            Some(rpc) => {
                let body = error::render(rpc.id.as_deref(), rpc.code, &rpc.message, rpc.data.as_deref());
                let mut response = Response::new(Body::full(body));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            None => Response::new(match (self.text, &self.by) {
                (Some(text), _) => Body::full(text.into_string()),
                // Who is refused everything is told by which policy.
                (None, Some(by)) => Body::full(format!("denied by policy {}\n", by.policy)),
                (None, None) => Body::empty(),
            }),
        };
        *response.status_mut() = self.status;
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
