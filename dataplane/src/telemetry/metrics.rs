//! Every metric of a gateway. Names begin with `portolan_`; labels are names of configured objects and words of closed sets, never what a client sent.
//!
//! Requests count through handles that were looked up when the snapshot was made ([`super::series`]); what is looked up here happens rarely.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::durations::Durations;
use super::series::{CallLabels, RequestLabels, RouteSeries, ServerLabels, ServerSeries, ToolSeries};
use crate::limits::Limits;

/// What a scraper is told that it reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(pub(super) Arc<Families>);

#[derive(Debug)]
pub(super) struct Families {
    pub(super) registry: Registry,
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) request_seconds: Family<RouteMethod, Durations>,
    pub(super) calls: Family<CallLabels, Counter>,
    pub(super) call_seconds: Family<ServerLabels, Durations>,
    pub(super) routes: Mutex<HashMap<Arc<str>, Weak<RouteSeries>>>,
    pub(super) tools: Mutex<HashMap<ToolKey, Weak<ToolSeries>>>,
    pub(super) servers: Mutex<HashMap<Arc<str>, Weak<ServerSeries>>>,
    pub(super) most_routes: usize,
    pub(super) most_tools: usize,
    pub(super) upstream_errors: Family<UpstreamError, Counter>,
    refusals: Family<Reason, Counter>,
    cuts: Family<Reason, Counter>,
    connections: Gauge,
    streams: Gauge,
    panics: Counter,
    audit_dropped: Counter,
    source: Family<SourceLabel, Gauge>,
    epoch: Gauge<u64, AtomicU64>,
    resources: Gauge,
    rejected: Gauge,
    age: Gauge<f64, AtomicU64>,
    /// Seconds since 1970 when the snapshot in force was made; 0 before the first.
    made: AtomicU64,
}

/// Route, server, tool.
pub(super) type ToolKey = (Arc<str>, Arc<str>, Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RouteMethod {
    pub(super) route: Arc<str>,
    pub(super) method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct UpstreamError {
    pub(super) server: Arc<str>,
    pub(super) error: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

/// What is in force, as the gauges show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Where it came from: the same word as in `/config`.
    pub source: &'static str,
    /// Epoch of the stream.
    pub epoch: u64,
    /// Resources in force.
    pub resources: usize,
    /// Resources that this gateway could not compile.
    pub rejected: usize,
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let mut registry = Registry::with_prefix("portolan");
        let families = Families::register(&mut registry, limits);
        Self(Arc::new(Families { registry, ..families }))
    }

    /// Everything, in the text format of OpenMetrics.
    #[must_use]
    pub fn render(&self) -> String {
        let made = self.0.made.load(Relaxed);
        if made > 0 {
            self.0.age.set(now().saturating_sub(made) as f64);
        }
        let mut text = String::with_capacity(16 << 10);
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// A snapshot came into force.
    pub fn in_force(&self, InForce { source, epoch, resources, rejected }: InForce) {
        self.0.source.clear();
        self.0.source.get_or_create(&SourceLabel { source }).set(1);
        self.0.epoch.set(epoch);
        self.0.resources.set(i64::try_from(resources).unwrap_or(i64::MAX));
        self.0.rejected.set(i64::try_from(rejected).unwrap_or(i64::MAX));
        self.0.made.store(now(), Relaxed);
    }

    /// A request was refused.
    pub fn refused(&self, reason: &'static str) {
        self.0.refusals.get_or_create(&Reason { reason }).inc();
    }

    /// A connection or a head went over a bound.
    pub fn cut(&self, reason: &'static str) {
        self.0.cuts.get_or_create(&Reason { reason }).inc();
    }

    /// A request panicked.
    pub fn panicked(&self) {
        self.0.panics.inc();
    }

    /// An audit line was lost.
    pub fn audit_dropped(&self) {
        self.0.audit_dropped.inc();
    }

    /// Counts a client connection until the guard is dropped.
    #[must_use]
    pub fn connection(&self) -> Counted {
        Counted::new(&self.0.connections)
    }

    /// Counts an open event stream until the guard is dropped.
    #[must_use]
    pub fn stream(&self) -> Counted {
        Counted::new(&self.0.streams)
    }

    /// Event streams open now.
    #[must_use]
    pub fn streams(&self) -> usize {
        usize::try_from(self.0.streams.get()).unwrap_or_default()
    }
}

impl Families {
    fn register(registry: &mut Registry, limits: &Limits) -> Self {
        let families = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::default(),
            calls: Family::default(),
            call_seconds: Family::default(),
            routes: Mutex::default(),
            tools: Mutex::default(),
            servers: Mutex::default(),
            most_routes: limits.metric_routes,
            most_tools: limits.metric_tools,
            upstream_errors: Family::default(),
            refusals: Family::default(),
            cuts: Family::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
            panics: Counter::default(),
            audit_dropped: Counter::default(),
            source: Family::default(),
            epoch: Gauge::default(),
            resources: Gauge::default(),
            rejected: Gauge::default(),
            age: Gauge::default(),
            made: AtomicU64::new(0),
        };
        registry.register("requests", "Requests by HTTP status", families.requests.clone());
        let help = "Time from a request's head to the end of its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, families.request_seconds.clone());
        registry.register("tool_calls", "Tool calls by verdict", families.calls.clone());
        let help = "Time of tool calls that were let through";
        registry.register_with_unit("tool_call_duration", help, Unit::Seconds, families.call_seconds.clone());
        registry.register("upstream_errors", "Calls that a server did not answer", families.upstream_errors.clone());
        registry.register("refusals", "Requests that the gateway refused", families.refusals.clone());
        registry.register("connections_cut", "Connections and heads over a bound", families.cuts.clone());
        registry.register("connections", "Client connections", families.connections.clone());
        registry.register("streams", "Open event streams", families.streams.clone());
        registry.register("panics", "Requests that panicked", families.panics.clone());
        registry.register("audit_dropped", "Audit lines that were lost", families.audit_dropped.clone());
        registry.register("config_source", "Where the snapshot in force came from", families.source.clone());
        registry.register("config_epoch", "Epoch of the configuration stream", families.epoch.clone());
        registry.register("config_resources", "Resources in force", families.resources.clone());
        registry.register("config_rejected", "Resources that could not be compiled", families.rejected.clone());
        let help = "Time since the snapshot in force was made";
        registry.register_with_unit("config_age", help, Unit::Seconds, families.age.clone());
        families
    }
}

/// One of something, as long as it lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests;
