//! The command line of `portolan-gateway`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.
//!
//! Says what was asked, parsed; starts nothing. What cannot be parsed ends the process with status 2 before anything begins.

pub mod serving;
pub mod settings;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use url::Url;

pub use self::serving::Serving;
pub use self::settings::{Scheduling, Settings};
use crate::drain::Times;

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
    /// Where agents come in, and what is written about them
    #[command(flatten)]
    pub serving: Serving,
    /// Folder with tls.crt and tls.key for agents, read again when they change
    #[arg(long, env = "PORTOLAN_LISTEN_TLS_DIR")]
    pub listen_tls_dir: Option<PathBuf>,
    /// Folder with ca.crt, tls.crt and tls.key for https:// operators, read again when they change
    #[arg(long, env = "PORTOLAN_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,
    /// File with the fleet's key ring, read again when it changes [default: a ring of its own, which no other gateway can open sessions with]
    #[arg(long, env = "PORTOLAN_FLEET_KEY")]
    pub fleet_key: Option<PathBuf>,
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
            listen_tls_dir: self.listen_tls_dir,
            fleet_key: self.fleet_key,
            standalone: false,
            drain: Times::FLEET,
            ..self.serving.alone()
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

#[cfg(test)]
mod tests;
