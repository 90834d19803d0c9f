//! The CRDs as YAML: what the chart ships and tests apply.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

use crate::{McpPolicy, McpRoute, McpServer};

/// One CRD as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file's name in the chart.
    pub file: String,
    /// Its content; the same for the same sources.
    pub yaml: String,
}

/// The CRDs of the group.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![McpServer::crd(), McpRoute::crd(), McpPolicy::crd()]
}

/// The CRDs as files.
///
/// # Errors
/// None that a user can cause: the serialiser refuses what YAML cannot say.
pub fn manifests() -> Result<Vec<Manifest>, serde_saphyr::ser::Error> {
    definitions()
        .into_iter()
        .map(|definition| {
            let yaml = serde_saphyr::to_string(&definition)?;
            Ok(Manifest { file: format!("{}.yaml", definition.spec.names.plural), yaml })
        })
        .collect()
}

#[cfg(test)]
mod tests;
