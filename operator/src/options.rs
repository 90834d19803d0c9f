//! The command line of `portolan-operator`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.
//!
//! Says what was asked; starts nothing.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

use crate::{object::Key, settings::Settings};

/// Compiles McpServer, McpRoute and McpPolicy objects and pushes them to a fleet of gateways.
#[derive(Debug, Parser)]
#[command(name = "portolan-operator", version)]
pub struct Options {
    /// Name of this replica, in its events
    #[arg(long, env = "PORTOLAN_NAME", default_value = "portolan-operator")]
    pub name: String,
    /// Name of the fleet of gateways that it serves
    #[arg(long, env = "PORTOLAN_FLEET", default_value = "default")]
    pub fleet: String,
    /// Whether routes that name no fleet are this fleet's [default: if the fleet's name is "default"]
    #[arg(long, env = "PORTOLAN_DEFAULT_FLEET", num_args = 0..=1, default_missing_value = "true")]
    pub default_fleet: Option<bool>,
    /// The fleet's Service, NAMESPACE/NAME or NAME in --namespace: its ready endpoints are pods that ought to acknowledge
    #[arg(long, env = "PORTOLAN_FLEET_SERVICE")]
    pub fleet_service: Option<String>,
    /// Namespace of this release
    #[arg(long, env = "PORTOLAN_NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// Address of the configuration stream; plaintext, so loopback only
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Address of /livez, /readyz, /metrics and /config
    #[arg(long, env = "PORTOLAN_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// URL under which agents reach the fleet: scheme, host and port
    #[arg(long, env = "PORTOLAN_EXTERNAL_URL")]
    pub external_url: Option<url::Url>,
    /// File that gets the chosen addresses once /readyz answers 200
    #[arg(long, env = "PORTOLAN_READY_FILE")]
    pub ready_file: Option<PathBuf>,
}

impl Options {
    /// What the operator works by.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let fleet_service = self.fleet_service.as_deref().map(|text| {
            let (namespace, name) = text.split_once('/').unwrap_or((&self.namespace, text));
            Key::new(namespace, name)
        });
        Settings {
            default_fleet: self.default_fleet.unwrap_or(self.fleet == "default"),
            fleet: self.fleet.clone(),
            fleet_service,
            holder: self.name.clone(),
            grantee: format!("--serviceaccount={}:portolan-operator", self.namespace),
            external_url: self.external_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            ..Settings::default()
        }
    }
}

#[cfg(test)]
mod tests;
