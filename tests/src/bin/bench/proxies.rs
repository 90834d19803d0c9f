//! The two processes that are compared, each with one worker, and what stands behind them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::manifests::{self, Issuer};
use super::upstream::{self, Tools};
use super::{Flags, instructions::callgrind};

/// How long a proxy may take to come up, or to end; under valgrind both are slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// The file of instruction counts.
pub const COUNTS: &str = "callgrind.out";

/// A running proxy; it is killed when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// The process that does the work.
    pub pid: u32,
    child: Child,
}

/// Both, on the same servers.
pub struct Rig {
    /// The gateway.
    pub gateway: Proxy,
    /// nginx, in front of the first server.
    pub nginx: Proxy,
    /// Who signs tokens that the gateway takes.
    pub issuer: Issuer,
    /// Where they keep what they need.
    pub folder: PathBuf,
    _scratch: TempDir,
}

impl Rig {
    /// Starts so many servers with these tools each, and both proxies.
    pub async fn start(flags: &Flags, servers: usize, tools: Tools) -> anyhow::Result<Self> {
        Self::start_with(flags, (servers, tools), |_| Command::new(&flags.portolan)).await
    }

    /// The same with a gateway whose instructions are counted.
    pub async fn counted(flags: &Flags, servers: usize, tools: Tools) -> anyhow::Result<Self> {
        let under_valgrind = |folder: &Path| {
            let mut command = Command::new("valgrind");
            command.args(callgrind(&folder.join(COUNTS))).arg(&flags.portolan);
            command
        };
        Self::start_with(flags, (servers, tools), under_valgrind).await
    }

    async fn start_with(
        flags: &Flags,
        (servers, tools): (usize, Tools),
        gateway: impl Fn(&Path) -> Command,
    ) -> anyhow::Result<Self> {
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
        let gateway = start_gateway(gateway(&folder), &folder, flags.audit).await?;
        let nginx = start_nginx(&flags.nginx, &folder, upstreams[0]).await?;
        Ok(Self { gateway, nginx, issuer, folder, _scratch: scratch })
    }

    /// Stops a gateway that was counted; the file of its counts.
    pub async fn stop(&mut self) -> anyhow::Result<PathBuf> {
        // The standard library signals nobody, and signals need no unsafe code in a program of their own.
        let sent = Command::new("kill").args(["-TERM", &self.gateway.pid.to_string()]).status().await?;
        ensure!(sent.success(), "kill -TERM: {sent}");
        tokio::time::timeout(PATIENCE, self.gateway.child.wait()).await.context("the gateway does not end")??;
        Ok(self.folder.join(COUNTS))
    }
}

/// Starts the gateway on the folder's manifests and waits until it serves.
async fn start_gateway(mut command: Command, folder: &Path, audit: bool) -> anyhow::Result<Proxy> {
    let ready = folder.join("ready.json");
    command.args(["standalone", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"]);
    command.arg("-f").arg(folder.join("manifests")).arg("--data-dir").arg(folder.join("data"));
    command.arg("--ready-file").arg(&ready);
    if audit {
        command.arg("--audit-log").arg(folder.join("audit.log"));
    }
    command.stdout(fs::File::create(folder.join("portolan.out"))?);
    command.stderr(fs::File::create(folder.join("portolan.log"))?);
    let child = command.kill_on_drop(true).spawn().context("portolan")?;
    let pid = child.id().context("portolan ended at once")?;
    let text = wait(|| fs::read_to_string(&ready).ok()).await?;
    let ports: serde_json::Value = serde_json::from_str(&text)?;
    let address = ports["listen"].as_str().context("the ready file has no address")?.parse()?;
    Ok(Proxy { address, pid, child })
}

/// Starts nginx as a plain reverse proxy with connections kept on both sides. Its one process is its own worker: a worker would outlive its
/// master's sudden end.
async fn start_nginx(program: &Path, folder: &Path, upstream: SocketAddr) -> anyhow::Result<Proxy> {
    let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let configuration = folder.join("nginx.conf");
    let place = folder.display();
    fs::write(
        &configuration,
        format!(
            "daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/nginx.log; user root;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
             fastcgi_temp_path {place}/fcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
             upstream server {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
             sendfile on; tcp_nopush on; open_file_cache max=10;\n\
             server {{ listen {address}; location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n\
             location = /list.json {{ root {place}; }} }} }}\n"
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&configuration).stderr(fs::File::create(folder.join("nginx.err"))?);
    let child = command.kill_on_drop(true).spawn().context("nginx")?;
    let pid = child.id().context("nginx ended at once")?;
    wait(|| std::net::TcpStream::connect(address).ok()).await?;
    Ok(Proxy { address, pid, child })
}

async fn wait<T>(mut ready: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(value) = ready() {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("a proxy does not come up")
}
