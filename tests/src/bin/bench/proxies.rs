//! The two processes that are compared, each with one worker.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

/// A running proxy; it is killed when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// The process that does the work.
    pub pid: u32,
    _child: Child,
}

/// A folder of this run.
pub fn scratch() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("portolan-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Starts the gateway on the folder's manifests and waits until it serves.
pub async fn gateway(program: &Path, folder: &Path) -> anyhow::Result<Proxy> {
    let ready = folder.join("ready.json");
    let child = Command::new(program)
        .args(["standalone", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"])
        .arg("-f")
        .arg(folder.join("manifests"))
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("RUST_LOG", "warn")
        .stdout(fs::File::create(folder.join("portolan.out"))?)
        .stderr(fs::File::create(folder.join("portolan.log"))?)
        .kill_on_drop(true)
        .spawn()
        .context("portolan")?;
    let pid = child.id().context("portolan ended at once")?;
    let text = wait(|| fs::read_to_string(&ready).ok()).await?;
    let ports: serde_json::Value = serde_json::from_str(&text)?;
    let address = ports["listen"].as_str().context("the ready file has no address")?.parse()?;
    Ok(Proxy { address, pid, _child: child })
}

/// Starts nginx as a plain reverse proxy with connections kept on both sides.
pub async fn nginx(program: &Path, folder: &Path, upstream: SocketAddr) -> anyhow::Result<Proxy> {
    let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let configuration = folder.join("nginx.conf");
    let place = folder.display();
    fs::write(
        &configuration,
        format!(
            "daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log; user root;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
             fastcgi_temp_path {place}/fcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
             upstream server {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n"
        ),
    )?;
    let child = Command::new(program).arg("-c").arg(&configuration).kill_on_drop(true).spawn().context("nginx")?;
    let master = child.id().context("nginx ended at once")?;
    let pid = wait(|| worker_of(master)).await?;
    wait(|| std::net::TcpStream::connect(address).ok()).await?;
    Ok(Proxy { address, pid, _child: child })
}

fn worker_of(master: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

async fn wait<T>(mut ready: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Some(value) = ready() {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("a proxy did not come up in 20 s")
}
