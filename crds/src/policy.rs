//! `McpPolicy`: who may do what, and how much. Attached to routes and servers of its namespace (GEP-713).

mod authentication;
mod authorization;
mod limits;
mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authentication::{Authentication, ChosenJwks, Jwks, Jwt, RemoteJwks, ResourceMetadata};
pub use authorization::{Action, Authorization, AuthorizationRule};
pub use limits::{Limits, RateLimit};
pub use status::{McpPolicyStatus, PolicyAncestor};

use crate::{bounds, is_default};

/// Who may do what, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "portolan.dev",
    version = "v1alpha1",
    kind = "McpPolicy",
    plural = "mcppolicies",
    namespaced,
    status = "McpPolicyStatus",
    shortname = "mcpp",
    category = "mcp",
    derive = "PartialEq",
    doc = "Who may do what, and how much, on routes and servers of the policy's namespace.",
    annotation("helm.sh/resource-policy", "keep"),
    label("gateway.networking.k8s.io/policy", "Direct"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = ".status.ancestors[*].conditions[?(@.type=='Accepted')].status"
    ),
    printcolumn(
        name = "Programmed",
        type_ = "string",
        json_path = ".status.ancestors[*].conditions[?(@.type=='Programmed')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("!has(self.authentication) || self.targetRefs.exists(target, target.kind == 'McpRoute')")
    .message("authentication is for routes: a target must be a McpRoute"))]
pub struct McpPolicySpec {
    /// What the policy applies to.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub target_refs: Vec<TargetRef>,
    /// Whether authorization and rate limits block, or only report. Authentication and limits always hold.
    #[serde(default)]
    pub mode: Mode,
    /// Who may call the route. Servers have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// What callers may do. Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// How often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = bounds::ENTRIES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rate_limits: Vec<RateLimit>,
    /// How large.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
}

/// A route or server of the policy's namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name.
    #[schemars(schema_with = "bounds::subdomain")]
    pub name: String,
}

/// What a policy can apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TargetKind {
    /// An endpoint that agents see.
    McpRoute,
    /// A backend.
    McpServer,
}

impl TargetKind {
    /// The word that users write.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::McpRoute => "McpRoute",
            Self::McpServer => "McpServer",
        }
    }
}

/// Whether a policy blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// It does.
    #[default]
    Enforce,
    /// It only reports what it would have blocked.
    Audit,
}
