//! `McpServer`: a backend, how to reach it and how far to trust it.

mod source;
mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use source::default_path;
pub use source::{Chosen, RemoteSource, RemoteTls, ServiceSource, Source};
pub use status::{Catalogue, McpServerStatus, ServerInfo};

use crate::{Duration, Hints, Revision, bounds, is_default, reference::SecretKeyRef};

/// A backend that speaks the Model Context Protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "portolan.dev",
    version = "v1alpha1",
    kind = "McpServer",
    namespaced,
    status = "McpServerStatus",
    shortname = "mcps",
    category = "mcp",
    derive = "PartialEq",
    doc = "A backend that speaks the Model Context Protocol: where it is, how to authenticate to it, how far to trust it.",
    annotation("helm.sh/resource-policy", "keep"),
    // A union of names: a Service's name, or a remote's URL.
    printcolumn(name = "Source", type_ = "string", json_path = ".spec.source['service','remote']['name','url']"),
    printcolumn(name = "Tools", type_ = "integer", json_path = ".status.catalogue.tools"),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.serverInfo.revisions[0]"),
    printcolumn(name = "Verified", type_ = "string", json_path = ".status.conditions[?(@.type=='Verified')].status"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct McpServerSpec {
    /// Where the server is.
    pub source: Source,
    /// How to speak to it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub protocol: Protocol,
    /// How the gateway authenticates to it. Never the caller's token.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credentials: Credentials,
    /// How far what it says of its tools is trusted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trust: Trust,
    /// How it is watched, and how much it is asked at once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub health: Health,
}

/// How to speak to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// Revisions of the protocol that may be used. Empty: whatever the server speaks, found out by asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub revisions: Vec<Revision>,
    /// Whether sessions of the server are used.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions: Sessions,
}

/// Whether sessions of a server are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sessions {
    /// Where the server gives out session ids.
    #[default]
    Auto,
    /// Session ids of the server are ignored.
    Never,
}

/// How the gateway authenticates to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A header made from a Secret, in every request to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderCredential>,
}

/// A request header made from a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderCredential {
    /// The header's name.
    #[schemars(schema_with = "bounds::credential_header")]
    pub name: String,
    /// The header's value, where `%s` stands for the Secret's value.
    #[serde(default = "whole_value")]
    #[schemars(schema_with = "bounds::credential_format")]
    pub format: String,
    /// The Secret's value.
    pub secret_ref: SecretKeyRef,
}

fn whole_value() -> String {
    "%s".to_owned()
}

/// How far what a server says of its tools is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// Annotations that you vouch for; where two entries match a tool, the later one wins. Policies see no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = bounds::ENTRIES))]
    pub annotations: Vec<TrustedAnnotations>,
}

/// Annotations of some tools that somebody vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.readOnlyHint) || has(self.destructiveHint) || has(self.idempotentHint) || has(self.openWorldHint)")
    .message("must have at least one hint"))]
pub struct TrustedAnnotations {
    /// The server's own names of the tools; `*` stands for any characters.
    #[schemars(schema_with = "bounds::some_globs")]
    pub tools: Vec<String>,
    /// What is vouched for.
    #[serde(flatten)]
    pub hints: Hints,
}

/// How a server is watched, and how much it is asked at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("duration(self.timeout) <= duration(self.interval)").message("timeout must not be longer than interval"))]
pub struct Health {
    /// Time between two examinations by the gateway that the server is assigned to.
    #[serde(default = "default_interval")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be from 1s to 1h"))]
    pub interval: Duration,
    /// How long an examination may take.
    #[serde(default = "default_timeout")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('1m')").message("must be from 100ms to 1m"))]
    pub timeout: Duration,
    /// Requests in flight to the server from one gateway; more are refused at once. Absent: no bound of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent: Option<i32>,
}

fn default_interval() -> Duration {
    Duration::new("15s")
}

fn default_timeout() -> Duration {
    Duration::new("3s")
}

impl Default for Health {
    fn default() -> Self {
        Self { interval: default_interval(), timeout: default_timeout(), max_concurrent: None }
    }
}
