//! Flags of whatever serves agents: the same on a gateway's own command line and on `portolan standalone`'s.
//!
//! Says what was asked, parsed; the rest of a gateway's settings belongs to whoever flattens these.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use url::Url;

use super::settings::{self, Scheduling, Settings};
use crate::drain::Times;
use crate::limits::Limits;
use crate::telemetry::audit::Sink;

/// Where agents come in, who works for them, and what is written about them.
#[derive(Clone, Debug, Args)]
pub struct Serving {
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
    /// Folder for what outlives the process: keys of sessions, key sets that issuers published, and what an operator put in force
    #[arg(long, env = "PORTOLAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
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

impl Serving {
    /// The settings of a gateway that serves alone.
    #[must_use]
    pub fn alone(self) -> Settings {
        Settings {
            name: "standalone".to_owned(),
            fleet: "default".to_owned(),
            listen: self.listen,
            listen_tls_dir: None,
            admin: self.admin,
            workers: self.workers.map_or_else(settings::cores, usize::from),
            scheduling: self.scheduling,
            data_dir: self.data_dir,
            fleet_key: None,
            allow_origins: self.allow_origin,
            allow_upstreams: self.allow_upstream,
            ready_file: self.ready_file,
            audit_log: self.audit_log.as_deref().map(Sink::from),
            standalone: true,
            drain: Times::ALONE,
            limits: Limits::default(),
        }
    }
}

/// An origin as browsers write it: lower case, no path (RFC 6454, 6.2).
pub(super) fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let origin = url.origin().ascii_serialization();
    let bare = text.trim_end_matches('/').to_ascii_lowercase();
    let same = bare == origin || url.port().is_none() && bare.rsplit_once(':').is_some_and(|(rest, _)| rest == origin);
    if same { Ok(origin) } else { Err("not an origin: scheme://host[:port]".to_owned()) }
}
