//! The command line of `portolan`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use portolan_dataplane::drain::Times;
use portolan_dataplane::limits::Limits;
use portolan_dataplane::options::{Scheduling, Settings, origin, settings};
use portolan_dataplane::telemetry::audit::Sink;
use url::Url;

/// An MCP gateway for Kubernetes, from a shell.
#[derive(Debug, Parser)]
#[command(name = "portolan", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a gateway on YAML files, without a cluster
    Standalone(Box<Standalone>),
    /// Validate YAML files: 0 clean, 1 problems, 2 usage
    Check(Check),
}

/// Flags of `portolan check`.
#[derive(Debug, Args)]
pub struct Check {
    /// File or folder with manifests; repeatable
    #[arg(short = 'f', long = "filename", env = "PORTOLAN_FILENAME", value_name = "PATH", value_delimiter = ',', required = true, value_parser = existing)]
    pub paths: Vec<PathBuf>,
}

/// Flags of `portolan standalone`.
#[derive(Debug, Args)]
pub struct Standalone {
    /// File or folder with manifests, read again when they change; repeatable
    #[arg(short = 'f', long = "filename", env = "PORTOLAN_FILENAME", value_name = "PATH", value_delimiter = ',', required = true, value_parser = existing)]
    pub paths: Vec<PathBuf>,
    /// Address for agents; port 0 is any free port
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of /livez, /readyz, /metrics and /config
    #[arg(long, env = "PORTOLAN_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Threads that serve [default: one for each core]
    #[arg(long, env = "PORTOLAN_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// How these threads share the work
    #[arg(long, env = "PORTOLAN_SCHEDULING", value_enum, default_value_t)]
    pub scheduling: Scheduling,
    /// Folder for what outlives the process: the keys of sessions, and the key sets that issuers published
    #[arg(long, env = "PORTOLAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// URL under which agents reach this gateway: scheme, host and port
    #[arg(long, env = "PORTOLAN_EXTERNAL_URL")]
    pub external_url: Option<Url>,
    /// Origin of web pages that may speak to this gateway, scheme://host[:port]; repeatable
    #[arg(long, env = "PORTOLAN_ALLOW_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// Upstream addresses to allow although they are link-local, metadata or private; repeatable
    #[arg(long, env = "PORTOLAN_ALLOW_UPSTREAM", value_delimiter = ',')]
    pub allow_upstream: Vec<IpNet>,
    /// File that gets the chosen addresses once /readyz answers 200
    #[arg(long, env = "PORTOLAN_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// File for one line of JSON per decision, - for stdout
    #[arg(long, env = "PORTOLAN_AUDIT_LOG")]
    pub audit_log: Option<String>,
}

impl Standalone {
    /// What the gateway works by.
    #[must_use]
    pub fn gateway(&self) -> Settings {
        Settings {
            name: "standalone".to_owned(),
            fleet: "default".to_owned(),
            listen: self.listen,
            listen_tls_dir: None,
            admin: self.admin,
            workers: self.workers.map_or_else(settings::cores, usize::from),
            scheduling: self.scheduling,
            data_dir: self.data_dir.clone(),
            fleet_key: None,
            allow_origins: self.allow_origin.clone(),
            allow_upstreams: self.allow_upstream.clone(),
            ready_file: self.ready_file.clone(),
            audit_log: self.audit_log.as_deref().map(Sink::from),
            standalone: true,
            drain: Times::ALONE,
            limits: Limits::default(),
        }
    }

    /// What the operator works by.
    #[must_use]
    pub fn operator(&self) -> portolan_operator::settings::Settings {
        use portolan_operator::settings::{SecretAccess, Settings};
        Settings {
            external_url: self.external_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            secrets: SecretAccess::Files,
            open_without_authentication: self.listen.ip().is_loopback(),
            ..Settings::default()
        }
    }
}

/// A path that is not there is a slip of the fingers, not a problem of the manifests.
fn existing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    std::fs::metadata(&path).map(|_| path).map_err(|error| error.to_string())
}
