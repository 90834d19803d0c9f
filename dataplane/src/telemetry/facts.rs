//! What is known of one request, as metrics, the audit log and the access log read it: names, words and digests, nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{Method, RouteSeries, ToolSeries, Trace, Verdict};

/// The status of a request whose client went away before there was an answer. It is in no registry, but in every proxy's log.
const CLIENT_GONE: u16 = 499;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who vouches for the subject; empty for anonymous callers.
    pub issuer: Arc<str>,
    /// The subject.
    pub subject: Arc<str>,
}

/// The facts of one request. Shared pointers or plain values: filling them in allocates nothing.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) trace: [u8; 16],
    pub(super) method: Method,
    pub(super) route: Option<Arc<RouteSeries>>,
    pub(super) generation: i64,
    pub(super) tool: Option<Arc<ToolSeries>>,
    pub(super) principal: Option<Principal>,
    pub(super) verdict: Verdict,
    pub(super) policy: Option<Arc<str>>,
    pub(super) rule: Option<Arc<str>>,
    pub(super) status: StatusCode,
    pub(super) code: Option<i64>,
    pub(super) arguments: Option<[u8; 32]>,
    /// Until it is over.
    pub(super) duration: Duration,
}

impl Facts {
    /// What is known when a request has just arrived.
    pub(super) fn new(trace: &Trace, method: Method) -> Self {
        Self {
            trace: trace.id(),
            method,
            route: None,
            generation: 0,
            tool: None,
            principal: None,
            verdict: Verdict::default(),
            policy: None,
            rule: None,
            status: StatusCode::from_u16(CLIENT_GONE).unwrap_or_default(),
            code: None,
            arguments: None,
            duration: Duration::ZERO,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.issuer {
            "" => formatter.write_str(&self.subject),
            issuer => write!(formatter, "{issuer}#{}", self.subject),
        }
    }
}
