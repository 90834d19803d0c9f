//! What an operator works by: the same in a cluster and standalone.

use portolan_crds::McpRoute;

use crate::object::Key;

/// Settings of one operator.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the fleet that it serves.
    pub fleet: String,
    /// Whether routes that name no fleet are this fleet's.
    pub default_fleet: bool,
    /// The fleet's Service: its ready endpoints are pods that ought to acknowledge, connected or not.
    pub fleet_service: Option<Key>,
    /// URL under which agents reach the fleet (scheme, host and port, no trailing slash).
    pub external_url: Option<String>,
    /// Where Secrets come from.
    pub secrets: SecretAccess,
    /// Whether a route without an `authentication` section serves everybody: standalone on a loopback address only.
    pub open_without_authentication: bool,
    /// Whom a namespace grants its Secrets to, as `kubectl create rolebinding` takes it: `--serviceaccount=NAMESPACE:NAME`.
    pub grantee: String,
}

impl Settings {
    /// Whether a route is this fleet's.
    #[must_use]
    pub fn serves(&self, route: &McpRoute) -> bool {
        route.spec.fleet.as_ref().map_or(self.default_fleet, |fleet| *fleet == self.fleet)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fleet: "default".to_owned(),
            default_fleet: true,
            fleet_service: None,
            external_url: None,
            secrets: SecretAccess::ByGrant,
            open_without_authentication: false,
            grantee: "--serviceaccount=default:portolan-operator".to_owned(),
        }
    }
}

/// Where Secrets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretAccess {
    /// The API server, in namespaces whose owner granted it.
    ByGrant,
    /// Files, which whoever starts the process has already granted.
    Files,
}
