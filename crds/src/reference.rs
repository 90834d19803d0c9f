//! How objects name other objects.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// One key of a Secret in the object's own namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret's name. The operator reads it only where the namespace grants that.
    #[schemars(schema_with = "bounds::subdomain")]
    pub name: String,
    /// The key in its data.
    #[schemars(schema_with = "bounds::secret_key")]
    pub key: String,
}

/// An object that a status entry is about (`ParentReference` of the Gateway API, without what we never write).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentReference {
    /// API group.
    #[schemars(length(max = bounds::SUBDOMAIN))]
    pub group: String,
    /// Kind.
    #[schemars(length(max = bounds::LABEL))]
    pub kind: String,
    /// Name.
    #[schemars(length(max = bounds::SUBDOMAIN))]
    pub name: String,
}

impl ParentReference {
    /// The fleet of gateways that serves a route. A fleet is no object: its kind is a word of our group.
    #[must_use]
    pub fn fleet(name: &str) -> Self {
        Self { group: crate::GROUP.to_owned(), kind: "Fleet".to_owned(), name: name.to_owned() }
    }

    /// One of our own kinds, in the namespace of the object that refers to it.
    #[must_use]
    pub fn own(kind: &str, name: &str) -> Self {
        Self { group: crate::GROUP.to_owned(), kind: kind.to_owned(), name: name.to_owned() }
    }
}
