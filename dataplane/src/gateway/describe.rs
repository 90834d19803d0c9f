//! `/config`: what this process serves, by name and version. Bodies stay out of it, so secrets cannot be in it.

use bytes::Bytes;
use serde::Serialize;

use crate::snapshot::Snapshot;

#[derive(Serialize)]
struct Description<'a> {
    snapshot: String,
    epoch: u64,
    source: &'static str,
    pods: u32,
    resources: Vec<Resource>,
    routes: Vec<Endpoint<'a>>,
    servers: Vec<Backend<'a>>,
}

#[derive(Serialize)]
struct Resource {
    name: String,
    version: String,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    name: &'a str,
    path: &'a str,
    generation: i64,
    tools: usize,
    closed: bool,
}

#[derive(Serialize)]
struct Backend<'a> {
    name: &'a str,
    tools: usize,
    revisions: Vec<&'static str>,
    stale_since_ms: Option<i64>,
    closed: bool,
}

/// The snapshot in JSON.
pub fn snapshot(snapshot: &Snapshot) -> Bytes {
    let description = Description {
        snapshot: snapshot.id(),
        epoch: snapshot.epoch,
        source: snapshot.source.as_str(),
        pods: snapshot.pods,
        resources: snapshot
            .resources()
            .map(|(name, version)| Resource { name: name.to_string(), version: version.to_string() })
            .collect(),
        routes: snapshot
            .routes()
            .map(|route| Endpoint {
                name: &route.label,
                path: &route.path,
                generation: route.generation,
                tools: route.tools.all().len(),
                closed: route.closed,
            })
            .collect(),
        servers: snapshot
            .servers()
            .map(|server| Backend {
                name: &server.label,
                tools: server.catalogue.tools().count(),
                revisions: server.facts.iter().flat_map(|facts| &facts.revisions).map(|one| one.as_str()).collect(),
                stale_since_ms: server.stale_since_ms,
                closed: server.closed,
            })
            .collect(),
    };
    serde_json::to_vec_pretty(&description).unwrap_or_default().into()
}
