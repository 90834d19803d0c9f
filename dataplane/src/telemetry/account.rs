//! The account of one request: filled along its phases, written when it is dropped, so that no path can forget it.
//!
//! Holds names, words and digests; filling it allocates nothing.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;

use super::facts::Facts;
use super::{Method, Principal, RouteSeries, Telemetry, ToolSeries, Trace, Verdict, log};

/// What is written down about one request.
#[derive(Debug)]
pub struct Account {
    telemetry: Telemetry,
    opened: Instant,
    facts: Facts,
    refused: Option<&'static str>,
    failed: Option<&'static str>,
}

impl Account {
    pub(super) fn open(telemetry: Telemetry, trace: &Trace, method: Method) -> Self {
        Self { telemetry, opened: Instant::now(), facts: Facts::new(trace, method), refused: None, failed: None }
    }

    /// The trace that it turned out to belong to.
    pub fn traced(&mut self, trace: &Trace) {
        self.facts.trace = trace.id();
    }

    /// The route that takes the request, and its generation.
    pub fn matched(&mut self, route: &Arc<RouteSeries>, generation: i64) {
        self.facts.route = Some(Arc::clone(route));
        self.facts.generation = generation;
    }

    /// Who calls.
    pub fn called_by(&mut self, principal: Principal) {
        self.facts.principal = Some(principal);
    }

    /// What is asked for.
    pub fn asked(&mut self, method: Method) {
        self.facts.method = method;
    }

    /// The tool that is called.
    pub fn resolved(&mut self, tool: &Arc<ToolSeries>) {
        self.facts.tool = Some(Arc::clone(tool));
    }

    /// What was decided, and by whom. The last word counts.
    pub fn judged(&mut self, verdict: Verdict, policy: Option<Arc<str>>, rule: Option<Arc<str>>) {
        (self.facts.verdict, self.facts.policy, self.facts.rule) = (verdict, policy, rule);
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
        self.facts.code = Some(code);
    }

    /// The status of the answer.
    pub fn status(&mut self, status: StatusCode) {
        self.facts.status = status;
    }

    /// Whether a digest of the arguments will be written: without an audit log nobody needs one.
    #[must_use]
    pub fn wants_digest(&self) -> bool {
        self.telemetry.audit().is_some()
    }

    /// The SHA-256 of the arguments as they were sent.
    pub fn arguments(&mut self, digest: [u8; 32]) {
        self.facts.arguments = Some(digest);
    }

    fn count(&self) {
        let metrics = self.telemetry.metrics();
        if let Some(route) = &self.facts.route {
            route.answered(self.facts.method, self.facts.status, self.facts.duration);
        }
        if let Some(tool) = &self.facts.tool {
            tool.judged(self.facts.verdict, self.facts.duration);
        }
        if let Some(word) = self.refused {
            metrics.refused(word);
        }
        if let (Some(word), Some(tool)) = (self.failed, &self.facts.tool) {
            tool.failed(word);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.facts.duration = self.opened.elapsed();
        self.count();
        log::access(&self.facts);
        // A request that no route takes was decided by nobody; scanners would fill the log with them.
        if let Some(audit) = self.telemetry.audit().filter(|_| self.facts.route.is_some()) {
            audit.write(&self.facts, self.telemetry.metrics());
        }
    }
}

#[cfg(test)]
mod tests;
