//! Every metric of a gateway. Names begin with `portolan_`; labels are names of configured objects and words of closed sets, never what a client sent.
//!
//! Requests count through handles that were looked up when the snapshot was made ([`super::series`]); what is looked up here happens rarely.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::series::{Families, RouteSeries};
use crate::limits::Limits;

/// What a scraper is told that it reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    series: Arc<Families>,
    process: Process,
}

/// What is counted of the whole process.
#[derive(Debug, Default)]
struct Process {
    refusals: Family<Reason, Counter>,
    cuts: Family<Reason, Counter>,
    connections: Gauge,
    streams: Gauge,
    panics: Counter,
    audit_dropped: Counter,
    data_files: Family<DataFile, Counter>,
    data_files_behind: Family<FileLabel, Gauge>,
    key_set_fetches: Family<Outcome, Counter>,
    source: Family<SourceLabel, Gauge>,
    epoch: Gauge<u64, AtomicU64>,
    resources: Gauge,
    rejected: Gauge,
    age: Gauge<f64, AtomicU64>,
    /// Seconds since 1970 when the snapshot in force was made; 0 before the first.
    made: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DataFile {
    file: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabel {
    file: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
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
        let series = Arc::new(Families::register(&mut registry, limits));
        let process = Process::register(&mut registry);
        Self(Arc::new(Inner { registry, series, process }))
    }

    /// The series of the route of this name, "namespace/name": the same for every snapshot that has the route.
    #[must_use]
    pub fn route(&self, name: &Arc<str>) -> Arc<RouteSeries> {
        self.0.series.route(name)
    }

    /// Everything, in the text format of OpenMetrics.
    #[must_use]
    pub fn render(&self) -> String {
        let made = self.0.process.made.load(Relaxed);
        if made > 0 {
            self.0.process.age.set(now().saturating_sub(made) as f64);
        }
        let mut text = String::with_capacity(16 << 10);
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// A snapshot came into force.
    pub fn in_force(&self, InForce { source, epoch, resources, rejected }: InForce) {
        self.0.process.source.clear();
        self.0.process.source.get_or_create(&SourceLabel { source }).set(1);
        self.0.process.epoch.set(epoch);
        self.0.process.resources.set(i64::try_from(resources).unwrap_or(i64::MAX));
        self.0.process.rejected.set(i64::try_from(rejected).unwrap_or(i64::MAX));
        self.0.process.made.store(now(), Relaxed);
    }

    /// A request was refused.
    pub fn refused(&self, reason: &'static str) {
        self.0.process.refusals.get_or_create(&Reason { reason }).inc();
    }

    /// A connection or a head went over a bound.
    pub fn cut(&self, reason: &'static str) {
        self.0.process.cuts.get_or_create(&Reason { reason }).inc();
    }

    /// A request panicked.
    pub fn panicked(&self) {
        self.0.process.panics.inc();
    }

    /// An audit line was lost.
    pub fn audit_dropped(&self) {
        self.0.process.audit_dropped.inc();
    }

    /// A file of the data folder was read or written, or was not: one word says how it went.
    pub fn data_file(&self, file: &'static str, outcome: &'static str) {
        self.0.process.data_files.get_or_create(&DataFile { file, outcome }).inc();
    }

    /// Whether a file of the data folder lacks something that is in force.
    pub fn data_file_behind(&self, file: &'static str, is_behind: bool) {
        self.0.process.data_files_behind.get_or_create(&FileLabel { file }).set(is_behind.into());
    }

    /// An issuer was asked for its keys.
    pub fn key_set_fetched(&self, outcome: &'static str) {
        self.0.process.key_set_fetches.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a client connection until the guard is dropped.
    #[must_use]
    pub fn connection(&self) -> Counted {
        Counted::new(&self.0.process.connections)
    }

    /// Counts an open event stream until the guard is dropped.
    #[must_use]
    pub fn stream(&self) -> Counted {
        Counted::new(&self.0.process.streams)
    }

    /// Event streams open now.
    #[must_use]
    pub fn streams(&self) -> usize {
        usize::try_from(self.0.process.streams.get()).unwrap_or_default()
    }
}

impl Process {
    fn register(registry: &mut Registry) -> Self {
        let process = Self::default();
        registry.register("refusals", "Requests that the gateway refused", process.refusals.clone());
        registry.register("connections_cut", "Connections and heads over a bound", process.cuts.clone());
        registry.register("connections", "Client connections", process.connections.clone());
        registry.register("streams", "Open event streams", process.streams.clone());
        registry.register("panics", "Requests that panicked", process.panics.clone());
        registry.register("audit_dropped", "Audit lines that were lost", process.audit_dropped.clone());
        registry.register("data_files", "Files of the data folder, read or written", process.data_files.clone());
        let help = "Whether a file of the data folder lacks something that is in force";
        registry.register("data_files_behind", help, process.data_files_behind.clone());
        registry.register("key_set_fetches", "Key sets asked of issuers", process.key_set_fetches.clone());
        registry.register("config_source", "Where the snapshot in force came from", process.source.clone());
        registry.register("config_epoch", "Epoch of the configuration stream", process.epoch.clone());
        registry.register("config_resources", "Resources in force", process.resources.clone());
        registry.register("config_rejected", "Resources that could not be compiled", process.rejected.clone());
        let help = "Time since the snapshot in force was made";
        registry.register_with_unit("config_age", help, Unit::Seconds, process.age.clone());
        process
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
