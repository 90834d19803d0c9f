//! How often, and how large.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Quantity, bounds};

/// How many calls in how much time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// The limit's name, which refusals and audit records show.
    #[schemars(schema_with = "bounds::label")]
    pub name: String,
    /// Paths such as `identity.subject`: calls with the same values share the limit. Empty: all calls do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::limit_key")]
    pub key: Vec<String>,
    /// Calls in a window, over the whole fleet; each gateway enforces its share, rounded up.
    #[schemars(range(min = 1, max = bounds::COUNT))]
    pub requests: i64,
    /// The window.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("must be from 1s to 24h"))]
    pub window: Duration,
    /// Calls that may come at once. Absent: as many as `requests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = bounds::COUNT))]
    pub burst: Option<i64>,
}

/// How large.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a request's body. Absent: the gateway's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_bytes: Option<Quantity>,
    /// Bytes of a response's body. Absent: the gateway's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<Quantity>,
}
