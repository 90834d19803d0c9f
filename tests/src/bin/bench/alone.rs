//! How soon a gateway that starts with nothing else alive serves what was in force: from its start to the first call that is answered.
//!
//! An operator of this process gives it its configuration once; then there is none, and it is killed and started again and again.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use portolan_operator::metrics::Metrics;
use portolan_operator::object::Object;
use portolan_operator::operator::Operator;
use portolan_operator::settings::{SecretAccess, Settings};
use portolan_operator::{publish, serve};
use portolan_tests::eventually::found_within;
use portolan_tests::fleet::fleet_key;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::call::{self, Era};
use super::load::Request;
use super::{Flags, machine, paired, upstream};

/// How many servers and routes there are.
const SIZES: [usize; 3] = [10, 1_000, 10_000];
/// How long a step may take to arrive and to be written down.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(1);

/// Measures each size; the largest median, milliseconds.
pub async fn measure(flags: &Flags) -> anyhow::Result<f64> {
    println!("From a gateway's start with no operator to its first answered call; {} starts each\n", flags.runs);
    println!("| servers and routes | file, KB | ms (best / median / worst) | resident MB |");
    println!("|---|---|---|---|");
    let mut worst: f64 = 0.0;
    for size in SIZES {
        worst = worst.max(size_of(flags, size).await?);
    }
    println!();
    Ok(worst)
}

async fn size_of(flags: &Flags, size: usize) -> anyhow::Result<f64> {
    let gateway = Gateway::new(flags)?;
    let upstream = upstream::start(upstream::Tools(10)).await?;
    let (stop, operator) = (CancellationToken::new(), tokio::net::TcpListener::bind(gateway.operator).await?);
    let objects = published(size, upstream)?;
    // What gateways report is published, too.
    let publishing = tokio::spawn(publish::run(objects.clone(), Metrics::new(), stop.clone()));
    let serving = tokio::spawn(serve::serve(operator, objects, None, stop.clone()));
    let call = gateway.call().await?;
    let mut first = gateway.start()?;
    call.clone().settled().await?;
    gateway.kept().await?;
    stop.cancel();
    tokio::try_join!(serving, publishing)?;
    first.kill().await?;

    let (mut times, mut resident) = (Vec::new(), 0.0);
    for _ in 0..flags.runs {
        let started = Instant::now();
        let mut child = gateway.start()?;
        while call.once().await.is_err() {
            ensure!(started.elapsed() < PATIENCE && child.try_wait()?.is_none(), "it does not serve alone");
            tokio::time::sleep(LOOK).await;
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        (resident, _) = machine::memory(child.id().context("it has ended")?)?;
        child.kill().await?;
    }
    let kept = fs::metadata(gateway.last_good())?.len() / 1000;
    let median = paired::median(&mut times);
    let (best, worst) = (times.first().copied().unwrap_or(median), times.last().copied().unwrap_or(median));
    println!("| {size} | {kept} | {best:.0} / **{median:.0}** / {worst:.0} | {resident:.0} |");
    Ok(median)
}

/// An operator that has so many servers and routes, all of them before one upstream. One route is open.
fn published(size: usize, upstream: SocketAddr) -> anyhow::Result<Operator> {
    let settings = Settings { secrets: SecretAccess::Files, ..Settings::default() };
    let operator = Operator::new(settings);
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "upstream", "namespace": "bench"},
            "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "upstream", "namespace": "bench", "labels": {"kubernetes.io/service-name": "upstream"}},
            "ports": [{"port": upstream.port()}], "endpoints": [{"addresses": [upstream.ip().to_string()]}]}),
        object(
            "McpPolicy",
            "open",
            &json!({"authentication": {"anonymous": true},
            "targetRefs": [{"kind": "McpRoute", "name": "r0"}]}),
        ),
    ];
    for number in 0..size {
        let (server, path) = (format!("s{number}"), if number == 0 { "/mcp".to_owned() } else { format!("/{number}") });
        objects.push(object("McpServer", &server, &json!({"source": {"service": {"name": "upstream", "port": 80}}})));
        let servers = json!([{"name": "first", "serverRef": {"name": server}}]);
        objects.push(object("McpRoute", &format!("r{number}"), &json!({"path": path, "servers": servers})));
    }
    operator.replace_all(objects.into_iter().map(Object::read).collect::<Result<_, _>>()?);
    operator.publish_now();
    Ok(operator)
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "portolan.dev/v1alpha1", "kind": kind, "spec": spec, "metadata":
        {"name": name, "namespace": "bench", "uid": name, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}})
}

/// A gateway that may be started again in the same place.
struct Gateway {
    program: PathBuf,
    folder: tempfile::TempDir,
    listen: SocketAddr,
    operator: SocketAddr,
}

impl Gateway {
    fn new(flags: &Flags) -> anyhow::Result<Self> {
        let beside = || flags.portolan.parent().unwrap_or(Path::new("")).join("portolan-gateway");
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("key"), fleet_key())?;
        let free = || TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let program = flags.gateway.clone().unwrap_or_else(beside);
        Ok(Self { program, folder, listen: free()?, operator: free()? })
    }

    fn start(&self) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args([
            "--name",
            "bench",
            "--admin",
            "127.0.0.1:0",
            "--workers",
            "1",
            "--allow-upstream",
            "127.0.0.0/8",
        ]);
        command.args(["--listen", &self.listen.to_string(), "--operator", &format!("http://{}", self.operator)]);
        command.arg("--data-dir").arg(self.folder.path().join("data"));
        command.arg("--fleet-key").arg(self.folder.path().join("key"));
        command.stdout(fs::File::create(self.folder.path().join("out"))?);
        command.stderr(fs::File::create(self.folder.path().join("log"))?);
        command.kill_on_drop(true).spawn().with_context(|| self.program.display().to_string())
    }

    async fn call(&self) -> anyhow::Result<Request> {
        let headers = "Mcp-Method: tools/call\r\nMcp-Name: first_echo\r\n";
        let params = r#""name":"first_echo","arguments":{"text":"alone","count":1}"#;
        let call = call::post(self.listen, Era::Modern, None, "tools/call", headers, params);
        Ok(call.await?.answered_with(r#""echoed":true"#))
    }

    fn last_good(&self) -> PathBuf {
        self.folder.path().join("data/last-good.bin")
    }

    /// Waits until nothing has been written for longer than it ever waits before it writes.
    async fn kept(&self) -> anyhow::Result<()> {
        const LONGEST_REST: Duration = Duration::from_secs(3);
        let rests = async || {
            let written = fs::metadata(self.last_good()).and_then(|file| file.modified()).ok()?;
            written.elapsed().is_ok_and(|age| age > LONGEST_REST).then_some(())
        };
        found_within(PATIENCE, rests).await.context("the last known good configuration does not come to rest")
    }
}
