//! What is known of a server. Names and definitions are not here: status stays small.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// What is known of a server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpServerStatus {
    /// Accepted, ResolvedRefs, Verified, Programmed; PolicyAffected while policies apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// What the handshake taught.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_info: Option<ServerInfo>,
    /// What the server offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
}

/// What a handshake taught about a server: its own words, cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// The name it gives itself.
    #[schemars(length(max = bounds::INFO))]
    pub name: String,
    /// The version it gives itself.
    #[schemars(length(max = bounds::INFO))]
    pub version: String,
    /// Revisions that it and Portolan speak, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 32)))]
    pub revisions: Vec<String>,
    /// Capabilities it declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = bounds::INFO)))]
    pub capabilities: Vec<String>,
}

impl ServerInfo {
    /// A server's words within the bounds of the schema: a server that says too much must not make status unwritable.
    #[must_use]
    pub fn bounded(name: &str, version: &str, revisions: &[String], capabilities: &[String]) -> Self {
        let clip =
            |words: &[String], count, limit| words.iter().take(count).map(|word| bounds::clip(word, limit)).collect();
        Self {
            name: bounds::clip(name, bounds::INFO),
            version: bounds::clip(version, bounds::INFO),
            revisions: clip(revisions, 8, 32),
            capabilities: clip(capabilities, 16, bounds::INFO),
        }
    }
}

/// What a server offers, as counts and a digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// Number of tools.
    pub tools: i64,
    /// Digest over all definitions: `sha256:HEX`.
    #[schemars(length(max = 128))]
    pub digest: String,
}
