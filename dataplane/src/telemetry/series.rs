//! The series of one route, of one tool of it and of one server: looked up when a snapshot is made, kept in it, and gone when the last snapshot that has them is.
//!
//! A request touches atomics only. How many series there can be is bounded twice: by what is configured, and by [`crate::limits::Limits`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::Method;
use super::durations::Durations;
use super::verdict::Verdict;
use crate::limits::Limits;

/// The label of what is over the bound.
const OTHER: &str = "other";
/// Statuses that a gateway answers with; any other is counted as 0.
const STATUSES: [u16; 18] = [200, 202, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 417, 421, 429, 431, 500, 503];
const METHODS: usize = Method::COUNT;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Arc<str>,
    method: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    route: Arc<str>,
    server: Arc<str>,
    tool: Arc<str>,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    route: Arc<str>,
    server: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteMethod {
    route: Arc<str>,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamError {
    server: Arc<str>,
    error: &'static str,
}

/// Route, server, tool.
type ToolKey = (Arc<str>, Arc<str>, Arc<str>);

/// All series, and which of them snapshots keep.
#[derive(Debug)]
pub(super) struct Families {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteMethod, Durations>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<ServerLabels, Durations>,
    upstream_errors: Family<UpstreamError, Counter>,
    routes: Mutex<HashMap<Arc<str>, Weak<RouteSeries>>>,
    tools: Mutex<HashMap<ToolKey, Weak<ToolSeries>>>,
    servers: Mutex<HashMap<Arc<str>, Weak<ServerSeries>>>,
    most_routes: usize,
    most_tools: usize,
}

/// The series of one route.
#[derive(Debug)]
pub struct RouteSeries {
    families: Arc<Families>,
    name: Arc<str>,
    label: Arc<str>,
    methods: [OnceLock<MethodSeries>; METHODS],
    servers: Mutex<BTreeSet<Arc<str>>>,
}

#[derive(Debug, Default)]
struct MethodSeries {
    duration: Durations,
    /// One for each of `STATUSES`, and one for all others.
    statuses: [OnceLock<Counter>; STATUSES.len() + 1],
}

/// The series of one tool of a route.
#[derive(Debug)]
pub struct ToolSeries {
    route: Arc<RouteSeries>,
    server: Arc<ServerSeries>,
    tool: Arc<str>,
    label: Arc<str>,
    duration: Durations,
    verdicts: [OnceLock<Counter>; Verdict::COUNT],
}

/// The series of one server, kept by its tools.
#[derive(Debug)]
struct ServerSeries {
    families: Arc<Families>,
    name: Arc<str>,
    /// The words of its failures so far.
    errors: Mutex<BTreeSet<&'static str>>,
}

impl Families {
    /// None yet; a scraper will find them in `registry`.
    pub(super) fn register(registry: &mut Registry, limits: &Limits) -> Self {
        let families = Self {
            requests: Family::default(),
            request_seconds: Family::default(),
            calls: Family::default(),
            call_seconds: Family::default(),
            upstream_errors: Family::default(),
            routes: Mutex::default(),
            tools: Mutex::default(),
            servers: Mutex::default(),
            most_routes: limits.metric_routes,
            most_tools: limits.metric_tools,
        };
        registry.register("requests", "Requests by HTTP status", families.requests.clone());
        let help = "Time from a request's head to the end of its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, families.request_seconds.clone());
        registry.register("tool_calls", "Tool calls by verdict", families.calls.clone());
        let help = "Time of tool calls that were let through";
        registry.register_with_unit("tool_call_duration", help, Unit::Seconds, families.call_seconds.clone());
        registry.register("upstream_errors", "Calls that a server did not answer", families.upstream_errors.clone());
        families
    }

    /// The series of the route of this name.
    pub(super) fn route(self: &Arc<Self>, name: &Arc<str>) -> Arc<RouteSeries> {
        let mut routes = self.routes.lock();
        if let Some(series) = routes.get(name).and_then(Weak::upgrade) {
            return series;
        }
        let label = if routes.len() < self.most_routes { Arc::clone(name) } else { Arc::from(OTHER) };
        let series = Arc::new(RouteSeries {
            families: Arc::clone(self),
            name: Arc::clone(name),
            label,
            methods: Default::default(),
            servers: Mutex::default(),
        });
        routes.insert(Arc::clone(name), Arc::downgrade(&series));
        series
    }
}

impl ServerSeries {
    fn of(families: &Arc<Families>, name: &Arc<str>) -> Arc<Self> {
        let mut servers = families.servers.lock();
        if let Some(series) = servers.get(name).and_then(Weak::upgrade) {
            return series;
        }
        let series =
            Arc::new(Self { families: Arc::clone(families), name: Arc::clone(name), errors: Mutex::default() });
        servers.insert(Arc::clone(name), Arc::downgrade(&series));
        series
    }

    fn labels(&self, error: &'static str) -> UpstreamError {
        UpstreamError { server: Arc::clone(&self.name), error }
    }
}

impl RouteSeries {
    /// The route's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The series of a tool, by its server's name and its exposed name.
    #[must_use]
    pub fn tool(self: &Arc<Self>, server: &Arc<str>, tool: &Arc<str>) -> Arc<ToolSeries> {
        let key: ToolKey = (Arc::clone(&self.name), Arc::clone(server), Arc::clone(tool));
        let mut tools = self.families.tools.lock();
        if let Some(series) = tools.get(&key).and_then(Weak::upgrade) {
            return series;
        }
        let label = if tools.len() < self.families.most_tools { Arc::clone(tool) } else { Arc::from(OTHER) };
        self.servers.lock().insert(Arc::clone(server));
        let labels = ServerLabels { route: Arc::clone(&self.label), server: Arc::clone(server) };
        let series = Arc::new(ToolSeries {
            route: Arc::clone(self),
            server: ServerSeries::of(&self.families, server),
            tool: Arc::clone(tool),
            label,
            duration: self.families.call_seconds.get_or_create_owned(&labels),
            verdicts: Default::default(),
        });
        tools.insert(key, Arc::downgrade(&series));
        series
    }

    pub(super) fn answered(&self, method: Method, status: StatusCode, duration: Duration) {
        let series = self.methods[method as usize].get_or_init(|| MethodSeries {
            duration: self.families.request_seconds.get_or_create_owned(&self.route_method(method.as_str())),
            statuses: Default::default(),
        });
        series.duration.observe(duration);
        let index = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len());
        let counter = || self.families.requests.get_or_create_owned(&self.request(method.as_str(), index));
        series.statuses[index].get_or_init(counter).inc();
    }

    fn route_method(&self, method: &'static str) -> RouteMethod {
        RouteMethod { route: Arc::clone(&self.label), method }
    }

    fn request(&self, method: &'static str, status: usize) -> RequestLabels {
        let code = STATUSES.get(status).copied().unwrap_or_default();
        RequestLabels { route: Arc::clone(&self.label), method, code }
    }
}

impl ToolSeries {
    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &Arc<str> {
        &self.server.name
    }

    /// The tool's exposed name.
    #[must_use]
    pub fn tool(&self) -> &Arc<str> {
        &self.tool
    }

    pub(super) fn judged(&self, verdict: Verdict, duration: Duration) {
        let counter = || self.route.families.calls.get_or_create_owned(&self.labels(verdict));
        self.verdicts[verdict as usize].get_or_init(counter).inc();
        if verdict.lets_through() {
            self.duration.observe(duration);
        }
    }

    /// The server did not answer; the word says how.
    pub(super) fn failed(&self, word: &'static str) {
        let server = &self.server;
        server.errors.lock().insert(word);
        server.families.upstream_errors.get_or_create(&server.labels(word)).inc();
    }

    fn labels(&self, verdict: Verdict) -> CallLabels {
        let (route, server) = (Arc::clone(&self.route.label), Arc::clone(&self.server.name));
        CallLabels { route, server, tool: Arc::clone(&self.label), verdict: verdict.as_str() }
    }
}

// A snapshot may be made while the last one that had these series goes: then the map holds the newcomer, which uses the same counters, and they
// stay. Series counted as `other` are shared and stay too.

impl Drop for RouteSeries {
    fn drop(&mut self) {
        let mut routes = self.families.routes.lock();
        if routes.get(&self.name).is_some_and(|entry| entry.strong_count() > 0) {
            return;
        }
        routes.remove(&self.name);
        if &*self.label == OTHER {
            return;
        }
        for server in self.servers.get_mut().iter() {
            let labels = ServerLabels { route: Arc::clone(&self.label), server: Arc::clone(server) };
            self.families.call_seconds.remove(&labels);
        }
        for method in Method::ALL {
            let Some(series) = self.methods[method as usize].get() else { continue };
            self.families.request_seconds.remove(&self.route_method(method.as_str()));
            for (index, _) in series.statuses.iter().enumerate().filter(|(_, counter)| counter.get().is_some()) {
                self.families.requests.remove(&self.request(method.as_str(), index));
            }
        }
    }
}

impl Drop for ServerSeries {
    fn drop(&mut self) {
        let mut servers = self.families.servers.lock();
        if servers.get(&self.name).is_some_and(|entry| entry.strong_count() > 0) {
            return;
        }
        servers.remove(&self.name);
        for error in self.errors.lock().iter() {
            self.families.upstream_errors.remove(&self.labels(error));
        }
    }
}

impl Drop for ToolSeries {
    fn drop(&mut self) {
        let families = &self.route.families;
        let key = (Arc::clone(&self.route.name), Arc::clone(&self.server.name), Arc::clone(&self.tool));
        let mut tools = families.tools.lock();
        if tools.get(&key).is_some_and(|entry| entry.strong_count() > 0) {
            return;
        }
        tools.remove(&key);
        if &*self.label == OTHER || &*self.route.label == OTHER {
            return;
        }
        for verdict in Verdict::ALL {
            if self.verdicts[verdict as usize].get().is_some() {
                families.calls.remove(&self.labels(verdict));
            }
        }
    }
}

#[cfg(test)]
mod tests;
