//! The processes that are compared: how each is started, and that it is up.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use portolan_tests::eventually::found_within;
use tokio::process::{Child, Command};

/// How long a proxy may take to come up, or to end; under valgrind both are slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// A running proxy; it is killed when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// The process that does the work.
    pub pid: u32,
    child: Child,
}

impl Proxy {
    /// Ends it as an operator of it would, and waits until it has ended.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        // The standard library signals nobody, and signals need no unsafe code in a program of their own.
        let sent = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        ensure!(sent.success(), "kill -TERM: {sent}");
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the proxy does not end")??;
        Ok(())
    }
}

/// The threads of a gateway.
pub struct Shape {
    /// How they share the work, as `--scheduling` has it.
    pub scheduling: &'static str,
    /// How many there are.
    pub workers: usize,
}

impl Shape {
    /// One thread, as nginx has.
    pub const ONE_WORKER: Self = Self { scheduling: "thread-per-core", workers: 1 };
}

/// Starts a gateway on the folder's manifests, with a folder of its own in there, and waits until it serves.
pub async fn start_gateway(
    mut command: Command,
    (folder, own): (&Path, &str),
    shape: &Shape,
    audit: bool,
) -> anyhow::Result<Proxy> {
    let manifests = folder.join("manifests");
    let folder = folder.join(own);
    fs::create_dir_all(&folder)?;
    let ready = folder.join("ready.json");
    command.args(["standalone", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.args(["--workers", &shape.workers.to_string(), "--scheduling", shape.scheduling]);
    command.arg("-f").arg(manifests).arg("--data-dir").arg(folder.join("data")).arg("--ready-file").arg(&ready);
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
pub async fn start_nginx(program: &Path, folder: &Path, upstream: SocketAddr) -> anyhow::Result<Proxy> {
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
    found_within(PATIENCE, async || ready()).await.context("a proxy does not come up")
}
