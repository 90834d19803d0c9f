//! The objects that the operator reads, as values: what a watch or a file hands to the index.
//!
//! A malformed object is a value too. Nothing here decides what an object means.

pub mod manifest;
mod stored;

use std::fmt;

use k8s_openapi::api::{
    core::v1::{Secret, Service},
    discovery::v1::EndpointSlice,
};
use kube::{Resource, api::ObjectMeta};
use portolan_crds::{McpPolicy, McpRoute, McpServer};

pub use self::stored::{Malformed, Stored};

/// Kinds of objects that the operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A backend.
    McpServer,
    /// An endpoint that agents see.
    McpRoute,
    /// Who may do what.
    McpPolicy,
    /// Where a backend is in the cluster.
    Service,
    /// The pods behind a Service.
    EndpointSlice,
    /// Credentials and keys, where granted.
    Secret,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::McpServer, Self::McpRoute, Self::McpPolicy, Self::Service, Self::EndpointSlice, Self::Secret];

    /// Whether the operator writes a status to it.
    #[must_use]
    pub fn has_status(self) -> bool {
        matches!(self, Self::McpServer | Self::McpRoute | Self::McpPolicy)
    }

    /// Whether policies apply to it.
    #[must_use]
    pub fn is_target(self) -> bool {
        matches!(self, Self::McpServer | Self::McpRoute)
    }

    /// The word that users write in `kind:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::McpServer => "McpServer",
            Self::McpRoute => "McpRoute",
            Self::McpPolicy => "McpPolicy",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an object lives: ordered as ties between equally old objects are broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace.
    pub namespace: String,
    /// Name in it.
    pub name: String,
}

impl Key {
    /// The object `name` of `namespace`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object: `default` where it names no namespace, as api.md says of files.
    #[must_use]
    pub fn of(meta: &ObjectMeta) -> Self {
        let namespace = meta.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
        Self::new(namespace, meta.name.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One object of one kind, as messages and maps name it: `McpRoute platform/engineering`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: ObjectKind,
    /// Where it lives.
    pub key: Key,
}

impl ObjectKey {
    /// The object of `kind` at `key`.
    #[must_use]
    pub fn new(kind: ObjectKind, key: Key) -> Self {
        Self { kind, key }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub enum Object {
    /// A backend.
    Server(Box<Stored<McpServer>>),
    /// An endpoint that agents see.
    Route(Box<Stored<McpRoute>>),
    /// Who may do what.
    Policy(Box<Stored<McpPolicy>>),
    /// Where a backend is.
    Service(Box<Service>),
    /// The pods behind a Service.
    Slice(Box<EndpointSlice>),
    /// Credentials and keys.
    Secret(Box<Secret>),
}

impl Object {
    /// Which object this is.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let (kind, meta) = match self {
            Self::Server(server) => (ObjectKind::McpServer, server.meta()),
            Self::Route(route) => (ObjectKind::McpRoute, route.meta()),
            Self::Policy(policy) => (ObjectKind::McpPolicy, policy.meta()),
            Self::Service(service) => (ObjectKind::Service, &service.metadata),
            Self::Slice(slice) => (ObjectKind::EndpointSlice, &slice.metadata),
            Self::Secret(secret) => (ObjectKind::Secret, &secret.metadata),
        };
        ObjectKey::new(kind, Key::of(meta))
    }
}

/// A kind that a watch can hand over.
pub trait Kind: Resource {
    /// Its word.
    const KIND: ObjectKind;

    /// The object as a value; `None` for a malformed object of a kind whose problems are not ours to tell.
    fn object(stored: Stored<Self>) -> Option<Object>
    where
        Self: Sized;
}

/// Our own kinds: a malformed one is a value, and gets a condition.
macro_rules! own_kind {
    ($kind:ident, $variant:ident) => {
        impl Kind for $kind {
            const KIND: ObjectKind = ObjectKind::$kind;

            fn object(stored: Stored<Self>) -> Option<Object> {
                Some(Object::$variant(Box::new(stored)))
            }
        }

        impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$variant(Box::new(Stored::Valid(object)))
            }
        }
    };
}

/// Kubernetes' kinds: the API server has checked them, so a malformed one is as good as absent.
macro_rules! kubernetes_kind {
    ($kind:ident, $variant:ident) => {
        impl Kind for $kind {
            const KIND: ObjectKind = ObjectKind::$kind;

            fn object(stored: Stored<Self>) -> Option<Object> {
                match stored {
                    Stored::Valid(object) => Some(Object::from(object)),
                    Stored::Malformed(_) => None,
                }
            }
        }

        impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$variant(Box::new(object))
            }
        }
    };
}

own_kind!(McpServer, Server);
own_kind!(McpRoute, Route);
own_kind!(McpPolicy, Policy);
kubernetes_kind!(Service, Service);
kubernetes_kind!(EndpointSlice, Slice);
kubernetes_kind!(Secret, Secret);
