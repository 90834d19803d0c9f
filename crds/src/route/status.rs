//! What is known of a route, per fleet and per server.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, bounds, reference::ParentReference};

/// What is known of a route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpRouteStatus {
    /// One entry for each fleet that serves the route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parents: Vec<RouteParent>,
    /// One entry for each server of the spec, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = bounds::SERVERS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub servers: Vec<RouteServerStatus>,
    /// Sums over the servers, for people and columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<RouteTotals>,
    /// The URL that agents use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = bounds::URL))]
    pub endpoint: Option<String>,
}

/// What one fleet makes of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteParent {
    /// The fleet.
    pub parent_ref: ParentReference,
    /// Who wrote the entry.
    #[schemars(length(max = bounds::SUBDOMAIN))]
    pub controller_name: String,
    /// Accepted, ResolvedRefs, Programmed; PartiallyInvalid and PolicyAffected while they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// How far the fleet's gateways are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<DataPlane>,
}

/// How far a fleet's gateways are with a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataPlane {
    /// The route's generation that this is about.
    pub generation: i64,
    /// Gateway pods that have it in force.
    pub acknowledged: i32,
    /// Gateway pods of the fleet.
    pub total: i32,
    /// Time from the change to the last pod's word. Absent until all have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagation: Option<Duration>,
}

/// What a route has of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteServerStatus {
    /// The entry's name.
    #[schemars(length(max = bounds::LABEL))]
    pub name: String,
    /// Tools that the endpoint offers, before policies.
    pub tools: i64,
    /// Tools that the route leaves out.
    pub hidden: i64,
    /// How the server does.
    pub state: ServerState,
}

/// How a server in a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServerState {
    /// No gateway has examined it yet.
    Pending,
    /// Its tools are offered.
    Serving,
    /// It does not answer; its tools are still listed.
    Stale,
    /// It has not answered for so long that its tools have left.
    Unavailable,
    /// It cannot be used: the reference, the server, or a conflict of names. A condition says which.
    Refused,
}

/// Sums over a route's servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteTotals {
    /// Servers of the spec.
    pub servers: i64,
    /// Tools that the endpoint offers, before policies.
    pub tools: i64,
}
