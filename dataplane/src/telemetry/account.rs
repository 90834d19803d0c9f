//! The account of one request: filled along its phases, written when it is dropped, so that no path can forget it.
//!
//! Holds names, words and digests. Fields are shared pointers or plain values: filling it allocates nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::audit::Line;
use super::{Method, RouteSeries, Telemetry, ToolSeries, Trace, log};

/// What was decided about a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Let through.
    #[default]
    Allow,
    /// Let through; a policy in mode Audit would have denied it.
    WouldDeny,
    /// Let through; a policy in mode Audit would have limited it.
    WouldLimit,
    /// A policy denied it.
    Deny,
    /// It went over a rate limit.
    Limited,
    /// No token, or a bad one.
    Unauthenticated,
    /// It is not what the protocol wants.
    Invalid,
    /// There is nothing to serve it from.
    Unavailable,
}

impl Verdict {
    /// All of them, each at its own number.
    pub const ALL: [Self; 8] = [
        Self::Allow,
        Self::WouldDeny,
        Self::WouldLimit,
        Self::Deny,
        Self::Limited,
        Self::Unauthenticated,
        Self::Invalid,
        Self::Unavailable,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// As metrics and audit lines have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::WouldDeny => "would_deny",
            Self::WouldLimit => "would_limit",
            Self::Deny => "deny",
            Self::Limited => "limited",
            Self::Unauthenticated => "unauthenticated",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the request went on.
    #[must_use]
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Allow | Self::WouldDeny | Self::WouldLimit)
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who vouches for the subject; empty for anonymous callers.
    pub issuer: Arc<str>,
    /// The subject.
    pub subject: Arc<str>,
}

/// What is written down about one request.
#[derive(Debug)]
pub struct Account {
    telemetry: Telemetry,
    opened: Instant,
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
    refused: Option<&'static str>,
    failed: Option<&'static str>,
}

/// The status of a request whose client went away before there was an answer. It is in no registry, but in every proxy's log.
const CLIENT_GONE: u16 = 499;

impl Account {
    pub(super) fn open(telemetry: Telemetry, trace: &Trace, method: Method) -> Self {
        Self {
            telemetry,
            opened: Instant::now(),
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
            refused: None,
            failed: None,
        }
    }

    /// The trace that it turned out to belong to.
    pub fn traced(&mut self, trace: &Trace) {
        self.trace = trace.id();
    }

    /// The route that takes the request, and its generation.
    pub fn matched(&mut self, route: &Arc<RouteSeries>, generation: i64) {
        self.route = Some(Arc::clone(route));
        self.generation = generation;
    }

    /// Who calls.
    pub fn called_by(&mut self, principal: Principal) {
        self.principal = Some(principal);
    }

    /// What is asked for.
    pub fn asked(&mut self, method: Method) {
        self.method = method;
    }

    /// The tool that is called.
    pub fn resolved(&mut self, tool: &Arc<ToolSeries>) {
        self.tool = Some(Arc::clone(tool));
    }

    /// What was decided, and by whom. The last word counts.
    pub fn judged(&mut self, verdict: Verdict, policy: Option<Arc<str>>, rule: Option<Arc<str>>) {
        (self.verdict, self.policy, self.rule) = (verdict, policy, rule);
    }

    /// The gateway itself said no; the word is for metrics.
    pub fn refused_for(&mut self, word: &'static str) {
        self.refused = Some(word);
    }

    /// The server did not answer; the word says how.
    pub fn failed(&mut self, word: &'static str) {
        self.failed = Some(word);
    }

    /// The JSON-RPC error code of the answer.
    pub fn code(&mut self, code: i64) {
        self.code = Some(code);
    }

    /// The status of the answer.
    pub fn status(&mut self, status: StatusCode) {
        self.status = status;
    }

    /// Whether a digest of the arguments will be written: without an audit log nobody needs one.
    #[must_use]
    pub fn wants_digest(&self) -> bool {
        self.telemetry.audit().is_some()
    }

    /// The SHA-256 of the arguments as they were sent.
    pub fn arguments(&mut self, digest: [u8; 32]) {
        self.arguments = Some(digest);
    }

    fn count(&self, duration: Duration) {
        let metrics = self.telemetry.metrics();
        if let Some(route) = &self.route {
            route.answered(self.method, self.status, duration);
        }
        if let Some(tool) = &self.tool {
            tool.judged(self.verdict, duration);
        }
        if let Some(word) = self.refused {
            metrics.refused(word);
        }
        if let (Some(word), Some(tool)) = (self.failed, &self.tool) {
            tool.failed(word);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let duration = self.opened.elapsed();
        self.count(duration);
        let line = Line { account: self, duration };
        log::access(&line);
        // A request that no route takes was decided by nobody; scanners would fill the log with them.
        if let Some(audit) = self.telemetry.audit().filter(|_| self.route.is_some()) {
            audit.write(&line, self.telemetry.metrics());
        }
    }
}

#[cfg(test)]
mod tests;
