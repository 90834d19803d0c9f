//! What a gateway works by: the same whether flags say it or the standalone process does.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use ipnet::IpNet;

use crate::drain::Times;
use crate::limits::Limits;
use crate::telemetry::audit::Sink;

/// How the threads that serve share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scheduling {
    /// Each has its own connections: the kernel deals them out, and nothing is shared
    #[default]
    ThreadPerCore,
    /// All share all connections: an idle thread takes over requests of a busy one
    WorkStealing,
}

/// Settings of one gateway, all of them parsed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, unique in its fleet.
    pub name: String,
    /// The fleet that it belongs to.
    pub fleet: String,
    /// Where agents connect; port 0 is any free port.
    pub listen: SocketAddr,
    /// Folder with `tls.crt` and `tls.key`; without it agents speak plain HTTP.
    pub listen_tls_dir: Option<PathBuf>,
    /// Where the admin port is.
    pub admin: SocketAddr,
    /// Threads that serve, at least 1.
    pub workers: usize,
    /// How they share the work.
    pub scheduling: Scheduling,
    /// Folder for what outlives the process.
    pub data_dir: Option<PathBuf>,
    /// The fleet's key ring.
    pub fleet_key: Option<PathBuf>,
    /// Origins of web pages that may speak to us, lower case.
    pub allow_origins: Vec<String>,
    /// Upstream addresses that are allowed although they would be refused.
    pub allow_upstreams: Vec<IpNet>,
    /// Gets the chosen addresses once we are ready.
    pub ready_file: Option<PathBuf>,
    /// Where audit lines go.
    pub audit_log: Option<Sink>,
    /// One process for one person: loopback upstreams are allowed, and a route without authentication serves on a loopback address.
    pub standalone: bool,
    /// How long a drain takes.
    pub drain: Times,
    /// Every bound.
    pub limits: Limits,
}

impl Settings {
    /// Runtimes that serve, each with a socket of its own, and the threads of each.
    #[must_use]
    pub fn runtimes(&self) -> (usize, usize) {
        match self.scheduling {
            Scheduling::ThreadPerCore => (self.workers, 1),
            Scheduling::WorkStealing => (1, self.workers),
        }
    }
}

/// Cores that this process may use, at least 1.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
