//! Objects as watches and files deliver them: one that cannot be read is a value with its mistake, and never ends a watch.
//!
//! What may be read of it is kept: its metadata, its status, and what a policy is about, so that the mistake closes that and nothing else.

use std::borrow::Cow;

use kube::{Resource, api::ObjectMeta, core::object::HasStatus};
use portolan_crds::policy::TargetRef;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

/// An object that parsed, or what is known of one that did not.
#[derive(Debug, Clone)]
pub enum Stored<K> {
    /// It has the shape that we know.
    Valid(K),
    /// It has not: a field of another version of us, or an edit that no schema checked.
    Malformed(Box<Malformed>),
}

/// What is known of an object that could not be parsed.
#[derive(Debug, Clone)]
pub struct Malformed {
    /// Its metadata, which parsed.
    pub meta: ObjectMeta,
    /// The field that did not; empty where the parser cannot tell.
    pub field: String,
    /// The parser's words.
    pub error: String,
    /// Its status, whatever it is; null where there is none.
    pub status: Value,
    /// What it applies to, if it is a policy: as it says, or else as its status said of its last version.
    pub targets: Vec<TargetRef>,
}

impl<K: Resource> Stored<K> {
    /// Metadata, which every stored object has.
    pub fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Valid(object) => object.meta(),
            Self::Malformed(malformed) => &malformed.meta,
        }
    }

    /// The parsed object.
    pub fn valid(&self) -> Option<&K> {
        match self {
            Self::Valid(object) => Some(object),
            Self::Malformed(_) => None,
        }
    }
}

impl<K: HasStatus> Stored<K>
where
    K::Status: Clone + Default + DeserializeOwned,
{
    /// The status that the API server has; an empty one where there is none that we can read.
    pub fn status(&self) -> K::Status {
        let status = match self {
            Self::Valid(object) => object.status().cloned(),
            Self::Malformed(malformed) => serde_json::from_value(malformed.status.clone()).ok(),
        };
        status.unwrap_or_default()
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Metadata {
            metadata: ObjectMeta,
        }
        let value = Value::deserialize(deserializer)?;
        let error = match serde_path_to_error::deserialize::<_, K>(&value) {
            Ok(object) => return Ok(Self::Valid(object)),
            Err(error) => error,
        };
        let Metadata { metadata: meta } = Metadata::deserialize(&value).map_err(D::Error::custom)?;
        let field = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
        let targets = Deserialize::deserialize(&value["spec"]["targetRefs"]).unwrap_or_else(|_| told(&value["status"]));
        let status = value["status"].clone();
        Ok(Self::Malformed(Box::new(Malformed { meta, field, error: error.inner().to_string(), status, targets })))
    }
}

/// The targets that a policy's status tells of.
fn told(status: &Value) -> Vec<TargetRef> {
    let entries = status["ancestors"].as_array().into_iter().flatten();
    entries.filter_map(|entry| TargetRef::deserialize(&entry["ancestorRef"]).ok()).collect()
}

impl<K: Resource> Resource for Stored<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        Self::meta(self)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Valid(object) => object.meta_mut(),
            Self::Malformed(malformed) => &mut malformed.meta,
        }
    }
}

#[cfg(test)]
mod tests;
