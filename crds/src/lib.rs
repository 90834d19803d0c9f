//! The objects that users write: `McpServer`, `McpRoute` and `McpPolicy` of `portolan.dev/v1alpha1`.
//!
//! Owns their shape, bounds, CEL rules, defaults and the words of their conditions. It must never speak to an API
//! server, read a clock, or decide what an object means: that is the operator's translation.
//!
//! Durations and quantities stay text here and are parsed where they are used, so that one bad field costs a condition
//! that names it, not the whole object. Nothing refuses unknown fields: an object written under a newer version of the
//! CRDs must stay readable.
#![warn(missing_docs)]
#![expect(clippy::duplicated_attributes, reason = "many printer columns have one type")]
// KubeSchema copies each struct, `pub` and all, into the function that makes its schema.
#![expect(unreachable_pub, reason = "in code that a derive macro writes")]

pub mod bounds;
pub mod conditions;
pub mod duration;
mod hints;
pub mod manifest;
pub mod policy;
pub mod quantity;
mod reason;
pub mod reference;
mod revision;
pub mod route;
pub mod server;

pub use conditions::{ConditionType, Finding, Status};
pub use duration::Duration;
pub use hints::Hints;
pub use policy::{McpPolicy, McpPolicySpec};
pub use quantity::Quantity;
pub use reason::Reason;
pub use revision::Revision;
pub use route::{McpRoute, McpRouteSpec};
pub use server::{McpServer, McpServerSpec};

/// API group of the three kinds.
pub const GROUP: &str = "portolan.dev";

/// The one version of the group.
pub const VERSION: &str = "v1alpha1";

/// `controllerName` in the status of routes and policies: says which product wrote the entry (Gateway API).
pub const CONTROLLER_NAME: &str = "portolan.dev/operator";

/// Whether a field says nothing but its default, so that stored objects hold only what somebody wrote.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
