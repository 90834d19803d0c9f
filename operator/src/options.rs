//! The command line of `portolan-operator`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.
//!
//! Says what was asked; starts nothing.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;

use crate::{
    identity::{self, Lifetimes},
    lease::keeper,
    object::Key,
    settings::Settings,
};

/// The Service under which gateways find the operator, unless something else is said.
const SERVICE: &str = "portolan-operator";

/// An authority outlives what it vouches for several times, or it could not be replaced in time.
const AUTHORITY_CERTIFICATES: u32 = 4;

/// Compiles McpServer, McpRoute and McpPolicy objects and pushes them to a fleet of gateways.
#[derive(Debug, Parser)]
#[command(name = "portolan-operator", version)]
pub struct Options {
    /// Name of this replica, unique among its fellows: what the lease and refused gateways call it
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
    /// Namespace of this release; the lease by which replicas agree who serves is in it
    #[arg(long, env = "PORTOLAN_NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// Address of the configuration stream: TLS both ways, but plain text on a loopback address without --tls-dir
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Folder with ca.crt, tls.crt and tls.key for the stream, read again when they change [default: the operator's own, kept as Secrets in --namespace]
    #[arg(long, env = "PORTOLAN_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,
    /// Name or address under which gateways reach the stream, for its own certificate; repeatable [default: the Service portolan-operator]
    #[arg(long, env = "PORTOLAN_STREAM_HOST", value_delimiter = ',')]
    pub stream_host: Vec<String>,
    /// How long the certificates of operator and gateways live; they are replaced after a third
    #[arg(long, env = "PORTOLAN_CERTIFICATE_LIFETIME", default_value = "72h", value_parser = lifetime)]
    pub certificate_lifetime: Duration,
    /// How long the fleet's authority lives; the next one is made after a half
    #[arg(long, env = "PORTOLAN_AUTHORITY_LIFETIME", default_value = "2160h", value_parser = lifetime)]
    pub authority_lifetime: Duration,
    /// How long a key seals sessions before the next one takes over
    #[arg(long, env = "PORTOLAN_KEY_LIFETIME", default_value = "168h", value_parser = lifetime)]
    pub key_lifetime: Duration,
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
            grantee: format!("--serviceaccount={}:portolan-operator", self.namespace),
            external_url: self.external_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            ..Settings::default()
        }
    }

    /// The replica's name, and the lease that it shares with its fellows: one for each fleet.
    #[must_use]
    pub fn lease(&self) -> keeper::Settings {
        let lease = Key::new(&self.namespace, format!("portolan-{}", self.fleet));
        keeper::Settings { lease, name: self.name.clone() }
    }

    /// What the fleet's identity is kept by; `None` where the stream is plain text.
    #[must_use]
    pub fn identity(&self) -> Option<identity::Settings> {
        (!self.is_plain()).then(|| identity::Settings {
            namespace: self.namespace.clone(),
            fleet: self.fleet.clone(),
            names: self.names(),
            certificates: self.tls_dir.is_none(),
            lifetimes: Lifetimes {
                certificate: self.certificate_lifetime,
                // Never so short that it would end before the next one is everywhere.
                authority: self.authority_lifetime.max(self.certificate_lifetime * AUTHORITY_CERTIFICATES),
                key: self.key_lifetime,
                ..Lifetimes::default()
            },
        })
    }

    /// Whether the stream is plain text, which never leaves the machine.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.tls_dir.is_none() && self.listen.ip().is_loopback()
    }

    /// The names in the operator's certificate.
    fn names(&self) -> Vec<String> {
        let service = format!("{SERVICE}.{}", self.namespace);
        let hosts = if self.stream_host.is_empty() {
            vec![SERVICE.to_owned(), format!("{service}.svc"), format!("{service}.svc.cluster.local"), service]
        } else {
            self.stream_host.clone()
        };
        let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        local.into_iter().chain(hosts).collect()
    }
}

/// A duration as the API writes them, of at least a second.
fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = portolan_crds::Duration::new(text).parse().map_err(|error| error.to_string())?;
    if lifetime >= Duration::from_secs(1) { Ok(lifetime) } else { Err("at least 1s".to_owned()) }
}

#[cfg(test)]
mod tests;
