//! The operator's metrics, in Prometheus' text format.
//!
//! Counted where things happen; gauges are read from the operator when somebody asks.

use std::sync::{Arc, atomic::AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::operator::Operator;

/// Handles of every metric, shared by clones.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    publications: Counter,
    publish_seconds: Histogram,
    status_writes: Family<Outcome, Counter>,
    watch_errors: Family<Watched, Counter>,
    gateways: Gauge,
    resources: Gauge,
    sequence: Gauge<u64, AtomicU64>,
    holds: Gauge,
    epoch: Gauge<u64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watched {
    kind: &'static str,
}

impl Metrics {
    /// What a scraper reads.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// A registry with every metric at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("portolan_operator");
        let seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
        let mut inner = Inner {
            publications: Counter::default(),
            publish_seconds: Histogram::new(seconds),
            status_writes: Family::default(),
            watch_errors: Family::default(),
            gateways: Gauge::default(),
            resources: Gauge::default(),
            sequence: Gauge::default(),
            holds: Gauge::default(),
            epoch: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("publications", "Batches put into the log", inner.publications.clone());
        registry.register("publish_seconds", "Time to translate one batch", inner.publish_seconds.clone());
        registry.register("status_writes", "Status writes by outcome", inner.status_writes.clone());
        registry.register("watch_errors", "Errors of watches by kind", inner.watch_errors.clone());
        registry.register("gateways", "Gateways connected now", inner.gateways.clone());
        registry.register("resources", "Resources in the log", inner.resources.clone());
        registry.register("sequence", "Newest sequence of the log", inner.sequence.clone());
        registry.register("holds_lease", "Whether this replica serves gateways", inner.holds.clone());
        registry.register("epoch", "Epoch of the lease; 0 while another replica holds it", inner.epoch.clone());
        inner.registry = registry;
        Self(Arc::new(inner))
    }

    /// One batch went into the log.
    pub fn published(&self, seconds: f64) {
        self.0.publications.inc();
        self.0.publish_seconds.observe(seconds);
    }

    /// One status was written, or not: `written`, `gone`, `conflict`, `failed`.
    pub fn status_written(&self, outcome: &'static str) {
        self.0.status_writes.get_or_create(&Outcome { outcome }).inc();
    }

    /// A watch failed and will be tried again.
    pub fn watch_failed(&self, kind: &'static str) {
        self.0.watch_errors.get_or_create(&Watched { kind }).inc();
    }

    /// Everything as text.
    #[must_use]
    pub fn render(&self, operator: &Operator) -> String {
        let size = operator.size();
        self.0.gateways.set(i64::try_from(size.gateways).unwrap_or(i64::MAX));
        self.0.resources.set(i64::try_from(size.resources).unwrap_or(i64::MAX));
        self.0.sequence.set(size.sequence);
        let tenure = operator.tenure();
        self.0.holds.set(tenure.serves().into());
        self.0.epoch.set(tenure.epoch().unwrap_or_default());
        let mut text = String::new();
        if encode(&mut text, &self.0.registry).is_err() {
            // Writing to a string cannot fail; an empty page is what a scraper would report anyway.
            text.clear();
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
