//! What is set up for a measure: servers, manifests, and the proxies in front of them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::manifests::{self, Issuer};
use super::proxies::{Proxy, Shape, start_gateway, start_nginx};
use super::upstream::{self, Tools};
use super::{Flags, instructions::callgrind};

/// The file of instruction counts.
pub const COUNTS: &str = "callgrind.out";

/// Servers, and the manifests of a gateway in front of them.
pub struct Stage {
    /// Who signs tokens that the gateway takes.
    pub issuer: Issuer,
    /// Where everybody keeps what is needed.
    pub folder: PathBuf,
    upstreams: Vec<SocketAddr>,
    _scratch: TempDir,
}

impl Stage {
    async fn set(servers: usize, tools: Tools) -> anyhow::Result<Self> {
        let mut upstreams = Vec::new();
        for _ in 0..servers {
            upstreams.push(upstream::start(tools).await?);
        }
        let scratch = tempfile::tempdir()?;
        let folder = scratch.path().to_owned();
        // nginx gives up the superuser's rights, and still has to read its files.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        let issuer = Issuer::new()?;
        manifests::write(&folder, &upstreams, &issuer)?;
        Ok(Self { issuer, folder, upstreams, _scratch: scratch })
    }

    async fn gateway(&self, command: Command, own: &str, shape: &Shape, flags: &Flags) -> anyhow::Result<Proxy> {
        start_gateway(command, (&self.folder, own), shape, flags.audit).await
    }
}

/// Both proxies on the same servers, one worker each.
pub struct Rig {
    /// The gateway.
    pub gateway: Proxy,
    /// nginx, in front of the first server.
    pub nginx: Proxy,
    /// What is behind them.
    pub stage: Stage,
}

impl Rig {
    /// Starts so many servers with these tools each, and both proxies.
    pub async fn start(flags: &Flags, servers: usize, tools: Tools) -> anyhow::Result<Self> {
        let stage = Stage::set(servers, tools).await?;
        let gateway = stage.gateway(Command::new(&flags.portolan), "gateway", &Shape::ONE_WORKER, flags).await?;
        let nginx = start_nginx(&flags.nginx, &stage.folder, stage.upstreams[0]).await?;
        Ok(Self { gateway, nginx, stage })
    }
}

/// A gateway whose instructions are counted. It needs no nginx.
pub struct Counted {
    /// The gateway.
    pub gateway: Proxy,
    /// What is behind it.
    pub stage: Stage,
}

impl Counted {
    /// Starts so many servers with these tools each, and the gateway under valgrind.
    pub async fn start(flags: &Flags, servers: usize, tools: Tools) -> anyhow::Result<Self> {
        let stage = Stage::set(servers, tools).await?;
        let mut command = Command::new("valgrind");
        command.args(callgrind(&stage.folder.join(COUNTS))).arg(&flags.portolan);
        let gateway = stage.gateway(command, "gateway", &Shape::ONE_WORKER, flags).await?;
        Ok(Self { gateway, stage })
    }

    /// Stops it and hands the file of its counts to `read`.
    pub async fn stop<T>(self, read: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.gateway.stop().await?;
        read(&self.stage.folder.join(COUNTS))
    }
}

/// Gateways of several shapes on the same servers.
pub struct Gateways {
    /// In the order of their shapes.
    pub gateways: Vec<Proxy>,
    /// What is behind them.
    pub stage: Stage,
}

impl Gateways {
    /// Starts two servers with these tools each, and a gateway of each shape.
    pub async fn start(flags: &Flags, shapes: &[Shape], tools: Tools) -> anyhow::Result<Self> {
        let stage = Stage::set(2, tools).await?;
        let mut gateways = Vec::new();
        for (number, shape) in shapes.iter().enumerate() {
            let command = Command::new(&flags.portolan);
            gateways.push(stage.gateway(command, &format!("gateway-{number}"), shape, flags).await?);
        }
        Ok(Self { gateways, stage })
    }
}
