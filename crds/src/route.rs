//! `McpRoute`: the endpoint that agents see, and whose tools are in it under which names.

mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use status::{DataPlane, McpRouteStatus, RouteParent, RouteServerStatus, RouteTotals, ServerState};

use crate::{Duration, Hints, bounds, is_default, server};

/// An endpoint that agents see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "portolan.dev",
    version = "v1alpha1",
    kind = "McpRoute",
    namespaced,
    status = "McpRouteStatus",
    shortname = "mcpr",
    category = "mcp",
    derive = "PartialEq",
    doc = "An endpoint that agents see: whose tools are in it, and under which names.",
    annotation("helm.sh/resource-policy", "keep"),
    printcolumn(name = "Hostnames", type_ = "string", json_path = ".spec.hostnames"),
    printcolumn(name = "Path", type_ = "string", json_path = ".spec.path"),
    printcolumn(name = "Servers", type_ = "integer", json_path = ".status.totals.servers"),
    printcolumn(name = "Tools", type_ = "integer", json_path = ".status.totals.tools"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = ".status.parents[*].conditions[?(@.type=='Accepted')].status"
    ),
    printcolumn(
        name = "Programmed",
        type_ = "string",
        json_path = ".status.parents[*].conditions[?(@.type=='Programmed')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct McpRouteSpec {
    /// The fleet of gateways that serves the route. Absent: the cluster's default fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::label")]
    pub fleet: Option<String>,
    /// Hosts that the route answers to. Empty: any. A host and path has one owner: the oldest route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::hostnames")]
    pub hostnames: Vec<String>,
    /// The endpoint's path, compared byte for byte.
    #[serde(default = "server::default_path")]
    #[schemars(schema_with = "bounds::route_path")]
    pub path: String,
    /// Whose tools are in the endpoint. The order decides who wins where two have one name.
    #[schemars(length(min = 1, max = bounds::SERVERS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub servers: Vec<RouteServer>,
    /// How several servers become one catalogue.
    #[serde(default, skip_serializing_if = "is_default")]
    pub aggregation: Aggregation,
}

/// A server in a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteServer {
    /// The entry's name, which no other entry has.
    #[schemars(schema_with = "bounds::label")]
    pub name: String,
    /// The McpServer.
    pub server_ref: ServerRef,
    /// What comes before the tools' names, with `_` between. Absent: the entry's name. Empty: nothing, names are unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::prefix")]
    pub prefix: Option<String>,
    /// Which tools, and under which names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tools: ToolSelection,
}

impl RouteServer {
    /// The prefix that is meant.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or(&self.name)
    }
}

/// Names an McpServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerRef {
    /// The McpServer's name.
    #[schemars(schema_with = "bounds::subdomain")]
    pub name: String,
    /// The McpServer's namespace. Absent: the route's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::label")]
    pub namespace: Option<String>,
}

/// Which tools of a server, and under which names. All names and patterns are the server's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolSelection {
    /// Tools to take; `*` stands for any characters. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::globs")]
    pub include: Vec<String>,
    /// Tools to leave out, even if included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::globs")]
    pub exclude: Vec<String>,
    /// Leaves out tools that have one of these annotations, vouched for or only claimed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclude_annotated: Hints,
    /// Tools that get another name or description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = bounds::ENTRIES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub overrides: Vec<ToolOverride>,
}

/// Another name or description for a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.as) || has(self.description)").message("must have as, description or both"))]
pub struct ToolOverride {
    /// The server's own name of the tool.
    #[schemars(schema_with = "bounds::tool_name")]
    pub name: String,
    /// Its name instead, before the prefix is put on.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::exposed_name")]
    pub rename: Option<String>,
    /// Its description instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::description")]
    pub description: Option<String>,
}

/// How several servers become one catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aggregation {
    /// What happens to the later of two tools with one name.
    #[serde(default)]
    pub conflict: Conflict,
    /// What a list says while a server does not answer.
    #[serde(default)]
    pub on_server_failure: OnServerFailure,
    /// How long a server's tools stay listed while it does not answer.
    #[serde(default = "default_stale_for")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('24h')").message("must not be longer than 24h"))]
    pub stale_for: Duration,
}

fn default_stale_for() -> Duration {
    Duration::new("10m")
}

impl Default for Aggregation {
    fn default() -> Self {
        Self {
            conflict: Conflict::default(),
            on_server_failure: OnServerFailure::default(),
            stale_for: default_stale_for(),
        }
    }
}

/// What happens to the later of two tools with one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Conflict {
    /// The later tool is dropped.
    #[default]
    First,
    /// The later server is dropped.
    Reject,
}

/// What a list says while a server does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnServerFailure {
    /// The other servers' tools.
    #[default]
    Partial,
    /// An error.
    Fail,
}
