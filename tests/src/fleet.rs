//! A fleet as a cluster has it: an operator with the chart's permissions and a gateway that follows it, both real processes.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Weak},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    account,
    agent::Agent,
    cluster::Cluster,
    eventually::eventually,
    process::{Addresses, Process},
    request::{Reply, Request},
};

/// URL under which agents are told to reach the fleet.
pub const EXTERNAL_URL: &str = "http://mcp.acme.example:8080";

/// One operator and one gateway.
pub struct Fleet {
    folder: TempDir,
    /// Where the gateway is told that the operator is.
    stream: SocketAddr,
    /// The operator's process, if it runs.
    pub operator: Option<Running>,
    /// The gateway's process, if it runs.
    pub gateway: Option<Running>,
}

/// A process, and where it listens.
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub at: Addresses,
}

impl Fleet {
    /// The fleet of the shared cluster, in a cluster that has our CRDs. It ends with the last test that holds it, so it never outlives us.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: tokio::sync::Mutex<Weak<Fleet>> = tokio::sync::Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(fleet) = shared.upgrade() {
            return Ok(fleet);
        }
        let fleet = Arc::new(Self::start(Cluster::shared()?).await?);
        *shared = Arc::downgrade(&fleet);
        Ok(fleet)
    }

    /// A fleet on this cluster, which gets our CRDs.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let mut fleet = Self::without_gateway(cluster).await?;
        fleet.start_gateway().await?;
        Ok(fleet)
    }

    /// The same with an operator only; gateways follow what [`Self::follow`] says.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn without_gateway(cluster: &Cluster) -> anyhow::Result<Self> {
        let client = cluster.client().await?;
        cluster.install(&client).await?;
        let folder = tempfile::tempdir()?;
        account::write_kubeconfig(cluster, &client, &folder.path().join("kubeconfig")).await?;
        fs::write(folder.path().join("fleet-key"), fleet_key())?;
        let mut fleet = Self { folder, stream: ([127, 0, 0, 1], 0).into(), operator: None, gateway: None };
        fleet.start_operator().await?;
        Ok(fleet)
    }

    /// Starts the operator, where it was if it ran before, so that the gateway finds it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_operator(&mut self) -> anyhow::Result<()> {
        let (listen, kubeconfig) = (self.stream.to_string(), self.file("kubeconfig"));
        let flags = ["--listen", &listen, "--admin", "127.0.0.1:0", "--external-url", EXTERNAL_URL];
        let namespace = ["--namespace", account::NAMESPACE];
        let environment = [("KUBECONFIG", kubeconfig.as_str()), ("NO_COLOR", "1")];
        let (process, at) =
            Process::start_in("portolan-operator", &[&flags[..], &namespace].concat(), &environment).await?;
        self.stream = at.listen;
        self.operator = Some(Running { process, at });
        Ok(())
    }

    /// Where the operator serves its stream.
    #[must_use]
    pub fn stream(&self) -> SocketAddr {
        self.stream
    }

    /// The gateway follows another address than the operator's: something that stands between them.
    pub fn follow(&mut self, stream: SocketAddr) {
        self.stream = stream;
    }

    /// Starts the gateway, with the data folder and the key that it had if it ran before, and waits until the operator counts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_gateway(&mut self) -> anyhow::Result<()> {
        self.gateway = Some(self.launch("gateway-0", "data", "audit").await?);
        Ok(())
    }

    /// Starts a further gateway of this name, with a data folder of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_another(&self, name: &str) -> anyhow::Result<Running> {
        self.launch(name, &format!("data-{name}"), &format!("audit-{name}")).await
    }

    async fn launch(&self, name: &str, data: &str, audit: &str) -> anyhow::Result<Running> {
        let (stream, data) = (format!("http://{}", self.stream), self.file(data));
        let (key, audit) = (self.file("fleet-key"), self.file(audit));
        let arguments = [
            ["--operator", &stream],
            ["--name", name],
            ["--listen", "127.0.0.1:0"],
            ["--admin", "127.0.0.1:0"],
            ["--workers", "2"],
            ["--data-dir", &data],
            ["--fleet-key", &key],
            ["--audit-log", &audit],
            ["--allow-upstream", "127.0.0.0/8"],
        ];
        let (process, at) =
            Process::start_in("portolan-gateway", arguments.as_flattened(), &[("NO_COLOR", "1")]).await?;
        Ok(Running { process, at })
    }

    /// Where the gateway keeps what was in force.
    #[must_use]
    pub fn last_good(&self) -> std::path::PathBuf {
        self.folder.path().join("data/last-good.bin")
    }

    /// Waits until the gateway has written down all that is in force.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn kept(&self) {
        let behind = r#"portolan_data_files_behind{file="last_good"}"#;
        eventually("the last known good configuration is on disk", async || {
            let behind = self.gateway_metric(behind).await.ok()?;
            (behind < 0.5 && self.last_good().exists()).then_some(())
        })
        .await;
    }

    /// A counter or gauge of the gateway, like [`Self::operator_metric`].
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn gateway_metric(&self, series: &str) -> anyhow::Result<f64> {
        metric(self.gateway.as_ref().context("no gateway runs")?, series).await
    }

    /// An agent of 2026-07-28 at a path of the gateway.
    ///
    /// # Panics
    /// When no gateway runs.
    #[must_use]
    pub fn agent(&self, path: &str) -> Agent {
        Agent { address: self.address(), path: path.to_owned(), token: None, session: None }
    }

    /// Where agents connect.
    ///
    /// # Panics
    /// When no gateway runs.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let Some(gateway) = &self.gateway else { panic!("no gateway runs") };
        gateway.at.listen
    }

    /// The URL of a path where agents connect.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// A counter or gauge of the operator; zero while it has none. `series` is its name with labels, as `/metrics` has them.
    ///
    /// # Errors
    /// The operator does not answer.
    pub async fn operator_metric(&self, series: &str) -> anyhow::Result<f64> {
        metric(self.operator.as_ref().context("no operator runs")?, series).await
    }

    /// The gateway's `/config`.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn gateway_config(&self) -> anyhow::Result<Value> {
        let gateway = self.gateway.as_ref().context("no gateway runs")?;
        Ok(Request::get("/config").send(gateway.at.admin).await?.json())
    }

    /// Waits until the operator has `count` gateways.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn counts_gateways(&self, count: u32) {
        eventually(&format!("the operator counts {count} gateways"), async || {
            let counted = self.operator_metric("portolan_operator_gateways").await.ok()?;
            (counted - f64::from(count)).abs().lt(&0.5).then_some(())
        })
        .await;
    }

    /// The resources that each step brought to the gateway so far, in their order.
    #[must_use]
    pub fn steps(&self) -> Vec<usize> {
        let log = self.gateway.as_ref().map(|gateway| gateway.process.stderr()).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let steps = lines.filter(|line| line["fields"]["message"] == "step in force");
        steps.filter_map(|line| usize::try_from(line["fields"]["resources"].as_u64()?).ok()).collect()
    }

    /// The audit lines that hold `text`.
    #[must_use]
    pub fn audited(&self, text: &str) -> Vec<Value> {
        let log = fs::read_to_string(self.folder.path().join("audit")).unwrap_or_default();
        log.lines().filter(|line| line.contains(text)).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Where the operator's kubeconfig is.
    #[must_use]
    pub fn kubeconfig(&self) -> std::path::PathBuf {
        Path::new(&self.file("kubeconfig")).to_owned()
    }
}

async fn metric(process: &Running, series: &str) -> anyhow::Result<f64> {
    let text = Request::get("/metrics").send(process.at.admin).await?.text();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    Ok(value.unwrap_or_default())
}

/// Waits until a request is answered as it should be.
///
/// # Panics
/// When it is not in time; the message shows the last answer.
pub async fn answers(what: &str, agent: &Agent, request: &Request, is: impl Fn(&Reply) -> bool) -> Reply {
    let last = parking_lot::Mutex::new(String::new());
    let look = async || {
        let reply = agent.send(request).await.ok()?;
        *last.lock() = format!("{} {}", reply.status, reply.text());
        is(&reply).then_some(reply)
    };
    let shown = ShowOnPanic(&last);
    let reply = eventually(what, look).await;
    drop(shown);
    reply
}

/// Says what was answered last when a wait fails.
struct ShowOnPanic<'a>(&'a parking_lot::Mutex<String>);

impl Drop for ShowOnPanic<'_> {
    #[expect(clippy::print_stderr, reason = "a failed test is read by people")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last answer: {}", self.0.lock());
        }
    }
}

fn fleet_key() -> String {
    json!({"keys": [{"id": "one", "key": STANDARD.encode([7; 32]), "state": "current"}]}).to_string()
}
