//! What is written down about requests: metrics, audit lines, the access log, and the place in a trace.
//!
//! Never arguments, tokens, session ids or an upstream's words: digests and names only. Nothing here may wait for a disk or a scraper.

pub mod account;
pub mod audit;
pub mod durations;
mod facts;
pub mod log;
pub mod method;
pub mod metrics;
pub mod series;
pub mod trace;
mod verdict;

use std::sync::Arc;

pub use account::Account;
pub use audit::Audit;
pub use facts::Principal;
pub use method::Method;
pub use metrics::Metrics;
pub use series::{RouteSeries, ToolSeries};
pub use trace::Trace;
pub use verdict::Verdict;

/// Where accounts go when they are written.
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    audit: Option<Audit>,
}

impl Telemetry {
    /// Counts in `metrics`, and writes every decision to `audit` if there is one.
    #[must_use]
    pub fn new(metrics: Metrics, audit: Option<Audit>) -> Self {
        Self(Arc::new(Inner { metrics, audit }))
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Opens the account of a request that has just arrived.
    #[must_use]
    pub fn account(&self, trace: &Trace, method: &http::Method) -> Account {
        Account::open(self.clone(), trace, Method::of_http(method))
    }

    /// Waits until every audit line so far is on its way to the disk, for a second at most.
    pub fn flush(&self) {
        if let Some(audit) = &self.0.audit {
            audit.flush();
        }
    }

    fn audit(&self) -> Option<&Audit> {
        self.0.audit.as_ref()
    }
}
