//! Where a server is: a Service of the cluster, or a URL outside it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// Where a server is. A valid object has exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.service), has(self.remote)].exists_one(member, member)")
    .message("must have exactly one of service and remote"))]
pub struct Source {
    /// A Service in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSource>,
    /// A server outside the cluster. Never one with a private, link-local or metadata address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteSource>,
}

/// The one member of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen<'a> {
    /// A Service in the cluster.
    Service(&'a ServiceSource),
    /// A server outside the cluster.
    Remote(&'a RemoteSource),
}

impl Source {
    /// The one member; `None` if there is not exactly one (as a file may have it that no API server checked).
    #[must_use]
    pub fn chosen(&self) -> Option<Chosen<'_>> {
        match (&self.service, &self.remote) {
            (Some(service), None) => Some(Chosen::Service(service)),
            (None, Some(remote)) => Some(Chosen::Remote(remote)),
            _ => None,
        }
    }
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSource {
    /// The Service's name.
    #[schemars(schema_with = "bounds::label")]
    pub name: String,
    /// The Service's namespace. Absent: the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::label")]
    pub namespace: Option<String>,
    /// The Service's port (not the pods').
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Path of the MCP endpoint.
    #[serde(default = "default_path")]
    #[schemars(schema_with = "bounds::path")]
    pub path: String,
}

/// Where MCP servers and routes are by convention.
pub(crate) fn default_path() -> String {
    "/mcp".to_owned()
}

/// A server outside the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.tls) || self.url.startsWith('https://')").message("tls needs an https URL"))]
pub struct RemoteSource {
    /// The MCP endpoint.
    #[schemars(schema_with = "bounds::url")]
    pub url: String,
    /// How the server's certificate is checked. Absent: against the system's roots and the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RemoteTls>,
}

/// How a remote server's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteTls {
    /// The name in the certificate. Absent: the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::subdomain")]
    pub hostname: Option<String>,
}
