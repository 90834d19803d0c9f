//! The command line of `portolan-gateway`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.
//!
//! Says what was asked, parsed; starts nothing. What cannot be parsed ends the process with status 2 before anything begins.

pub mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use ipnet::IpNet;
use url::Url;

pub use self::settings::{Scheduling, Settings};
use crate::drain::Times;
use crate::limits::Limits;
use crate::telemetry::audit::Sink;

/// Serves MCP endpoints to agents, from what an operator streams to it.
#[derive(Debug, Parser)]
#[command(name = "portolan-gateway", version)]
pub struct Options {
    /// Operator to follow, https://HOST:PORT, or http:// on this machine; several are tried in turn
    #[arg(long, env = "PORTOLAN_OPERATOR", value_delimiter = ',', required = true, value_parser = operator)]
    pub operator: Vec<Url>,
    /// Name of this gateway, unique in its fleet
    #[arg(long, env = "PORTOLAN_NAME", default_value = "portolan-gateway")]
    pub name: String,
    /// Fleet that it belongs to
    #[arg(long, env = "PORTOLAN_FLEET", default_value = "default")]
    pub fleet: String,
    /// Address for agents; port 0 is any free port
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Folder with tls.crt and tls.key for agents, read again when they change
    #[arg(long, env = "PORTOLAN_LISTEN_TLS_DIR")]
    pub listen_tls_dir: Option<PathBuf>,
    /// Address of /livez, /readyz, /metrics and /config
    #[arg(long, env = "PORTOLAN_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Threads that serve [default: one for each core]
    #[arg(long, env = "PORTOLAN_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// How these threads share the work
    #[arg(long, env = "PORTOLAN_SCHEDULING", value_enum, default_value_t)]
    pub scheduling: Scheduling,
    /// Folder for what outlives the process: what was in force, and the key sets that issuers published
    #[arg(long, env = "PORTOLAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Folder with ca.crt, tls.crt and tls.key for https:// operators, read again when they change
    #[arg(long, env = "PORTOLAN_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,
    /// File with the fleet's key ring, read again when it changes [default: a ring of its own, which no other gateway can open sessions with]
    #[arg(long, env = "PORTOLAN_FLEET_KEY")]
    pub fleet_key: Option<PathBuf>,
    /// Origin of web pages that may speak to this gateway, scheme://host[:port]; repeatable
    #[arg(long, env = "PORTOLAN_ALLOW_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// Upstream addresses to allow although they are loopback, link-local, metadata, or private for remotes; repeatable
    #[arg(long, env = "PORTOLAN_ALLOW_UPSTREAM", value_delimiter = ',')]
    pub allow_upstream: Vec<IpNet>,
    /// File that gets the chosen addresses once /readyz answers 200
    #[arg(long, env = "PORTOLAN_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// File for one line of JSON per decision, - for stdout
    #[arg(long, env = "PORTOLAN_AUDIT_LOG")]
    pub audit_log: Option<String>,
}

impl Options {
    /// What goes together and what does not.
    ///
    /// # Errors
    /// A usage error.
    pub fn checked(self) -> Result<Self, clap::Error> {
        if self.operator.iter().all(|url| (url.scheme() == "https") == self.tls_dir.is_some()) {
            return Ok(self);
        }
        let problem = "--tls-dir belongs to https:// operators, and they to it";
        Err(Self::command().error(ErrorKind::ArgumentConflict, problem))
    }

    /// What the gateway works by.
    #[must_use]
    pub fn settings(self) -> Settings {
        Settings {
            name: self.name,
            fleet: self.fleet,
            listen: self.listen,
            listen_tls_dir: self.listen_tls_dir,
            admin: self.admin,
            workers: self.workers.map_or_else(settings::cores, usize::from),
            scheduling: self.scheduling,
            data_dir: self.data_dir,
            fleet_key: self.fleet_key,
            allow_origins: self.allow_origin,
            allow_upstreams: self.allow_upstream,
            ready_file: self.ready_file,
            audit_log: self.audit_log.as_deref().map(Sink::from),
            standalone: false,
            drain: Times::FLEET,
            limits: Limits::default(),
        }
    }
}

/// The stream holds every secret of the fleet, so that in plain text it may not leave the machine.
fn operator(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err("plain http only to loopback addresses".to_owned()),
        _ => Err("not an http:// or https:// URL".to_owned()),
    }
}

/// An origin as browsers write it: lower case, no path (RFC 6454, 6.2).
pub fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let origin = url.origin().ascii_serialization();
    let bare = text.trim_end_matches('/').to_ascii_lowercase();
    let same = bare == origin || url.port().is_none() && bare.rsplit_once(':').is_some_and(|(rest, _)| rest == origin);
    if same { Ok(origin) } else { Err("not an origin: scheme://host[:port]".to_owned()) }
}

#[cfg(test)]
mod tests;
