//! Logs of the process, and the access log. Both go to stderr; neither holds a token, a session id or an argument.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::facts::Facts;

/// The access log's target: one event for each request, silent unless asked for (`PORTOLAN_LOG=info,access=info`), since the audit log says more.
const ACCESS: &str = "access";
/// What is logged unless `PORTOLAN_LOG` says otherwise.
const DEFAULT: &str = "info,access=off";

/// Begins to log to stderr: for people on a terminal, as JSON otherwise. The first call in a process counts.
pub fn init() {
    let filter = EnvFilter::try_from_env("PORTOLAN_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused; the first goes on.
    let _ = if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
}

/// The access log's event for one request.
pub(super) fn access(facts: &Facts) {
    if tracing::enabled!(target: ACCESS, tracing::Level::INFO) {
        tracing::info!(
            target: ACCESS,
            trace_id = hex::encode(facts.trace),
            route = facts.route.as_ref().map(|route| &**route.name()),
            tool = facts.tool.as_ref().map(|tool| &**tool.tool()),
            method = facts.method.as_str(),
            status = facts.status.as_u16(),
            verdict = facts.verdict.as_str(),
            duration_us = u64::try_from(facts.duration.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
