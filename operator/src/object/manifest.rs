//! Reads an object from a manifest, as files hold it.

use k8s_openapi::api::{
    core::v1::{Secret, Service},
    discovery::v1::EndpointSlice,
};
use portolan_crds::{GROUP, McpPolicy, McpRoute, McpServer, VERSION};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Kind, Object, Stored};

/// Why a manifest is no object of ours: its author's fault, and the same again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A kind that the operator does not read. Files may hold such objects; whoever reads them decides.
    #[error("{0} is no kind that Portolan reads")]
    OtherKind(String),
    /// Our kind, in a version that is not ours.
    #[error("apiVersion {0} is not {GROUP}/{VERSION}")]
    OtherVersion(String),
    /// Not even its metadata can be read.
    #[error("{0}")]
    Malformed(String),
}

impl Object {
    /// The object that `manifest` is. One of our own kinds whose spec cannot be read is a value all the same, and gets a condition.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn read(manifest: Value) -> Result<Self, Unreadable> {
        let word = |field: &str| manifest[field].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (word("apiVersion"), word("kind"));
        match (version.as_str(), kind.as_str()) {
            ("v1", "Service") => parse::<Service>(manifest),
            ("v1", "Secret") => parse::<Secret>(manifest),
            ("discovery.k8s.io/v1", "EndpointSlice") => parse::<EndpointSlice>(manifest),
            (version, "McpServer" | "McpRoute" | "McpPolicy") if version != format!("{GROUP}/{VERSION}") => {
                Err(Unreadable::OtherVersion(version.to_owned()))
            }
            (_, "McpServer") => parse::<McpServer>(manifest),
            (_, "McpRoute") => parse::<McpRoute>(manifest),
            (_, "McpPolicy") => parse::<McpPolicy>(manifest),
            _ => Err(Unreadable::OtherKind(format!("{version} {kind}").trim().to_owned())),
        }
    }
}

fn parse<K: Kind + DeserializeOwned>(manifest: Value) -> Result<Object, Unreadable> {
    let stored: Stored<K> =
        serde_json::from_value(manifest).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    let error = match &stored {
        Stored::Valid(_) => String::new(),
        Stored::Malformed(malformed) => malformed.error.clone(),
    };
    let object = K::object(stored).ok_or(Unreadable::Malformed(error))?;
    if object.key().key.name.is_empty() {
        Err(Unreadable::Malformed("metadata.name is missing".to_owned()))
    } else {
        Ok(object)
    }
}

#[cfg(test)]
mod tests;
