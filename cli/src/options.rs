//! The command line of `portolan`: every flag has an environment variable of the same name, prefix `PORTOLAN_`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use portolan_dataplane::options::Serving;
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
    /// Where agents come in, and what is written about them
    #[command(flatten)]
    pub serving: Serving,
    /// URL under which agents reach this gateway: scheme, host and port
    #[arg(long, env = "PORTOLAN_EXTERNAL_URL")]
    pub external_url: Option<Url>,
}

impl Standalone {
    /// What the operator works by.
    #[must_use]
    pub fn operator(&self) -> portolan_operator::settings::Settings {
        use portolan_operator::settings::{SecretAccess, Settings};
        Settings {
            external_url: self.external_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            secrets: SecretAccess::Files,
            open_without_authentication: self.serving.listen.ip().is_loopback(),
            ..Settings::default()
        }
    }
}

/// A path that is not there is a slip of the fingers, not a problem of the manifests.
fn existing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    std::fs::metadata(&path).map(|_| path).map_err(|error| error.to_string())
}
