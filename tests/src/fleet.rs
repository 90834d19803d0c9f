//! A fleet as a cluster has it: operators with the chart's permissions and gateways that follow them, all of them real processes.

mod member;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::member::{Member, Running};
use crate::{
    account,
    agent::Agent,
    cluster::Cluster,
    eventually::eventually,
    process::Process,
    request::{Reply, Request},
};

/// URL under which agents are told to reach the fleet.
pub const EXTERNAL_URL: &str = "http://mcp.acme.example:8080";

/// Operators of one release, and the gateways that follow them.
pub struct Fleet {
    folder: TempDir,
    /// Where gateways look for operators, if not where they are.
    stand_in: Option<SocketAddr>,
    /// Where what the processes write is kept.
    logs: Option<PathBuf>,
    /// What operators log, as `PORTOLAN_LOG` says it.
    pub operator_log: String,
    /// The operators.
    pub operators: Vec<Member>,
    /// The gateways.
    pub gateways: Vec<Member>,
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

    /// One operator and one gateway on this cluster, which gets our CRDs.
    ///
    /// # Errors
    /// They cannot be started.
    pub async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        Self::of(cluster, 1, 1).await
    }

    /// An operator only; gateways follow what [`Self::follow`] says.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn without_gateway(cluster: &Cluster) -> anyhow::Result<Self> {
        Self::of(cluster, 1, 0).await
    }

    /// So many operators, which share a lease, and so many gateways, which know all of them.
    ///
    /// # Errors
    /// They cannot be started.
    pub async fn of(cluster: &Cluster, operators: usize, gateways: usize) -> anyhow::Result<Self> {
        let mut fleet = Self::prepared(cluster, operators, gateways).await?;
        for number in 0..fleet.operators.len() {
            fleet.start_operator(number).await?;
        }
        for number in 0..fleet.gateways.len() {
            fleet.start_gateway(number).await?;
        }
        Ok(fleet)
    }

    /// The same, and none of them started yet.
    ///
    /// # Errors
    /// The API server refuses what they need.
    pub async fn prepared(cluster: &Cluster, operators: usize, gateways: usize) -> anyhow::Result<Self> {
        let client = cluster.client().await?;
        cluster.install(&client).await?;
        let folder = tempfile::tempdir()?;
        account::write_kubeconfig(cluster, &client, &folder.path().join("kubeconfig")).await?;
        fs::write(folder.path().join("fleet-key"), fleet_key())?;
        let members = |kind: &str, count| (0..count).map(|number| Member::new(format!("{kind}-{number}"))).collect();
        let (operators, gateways) = (members("operator", operators), members("gateway", gateways));
        Ok(Self { folder, stand_in: None, logs: None, operator_log: "info".to_owned(), operators, gateways })
    }

    /// Starts an operator, where it was if it ran before, so that gateways find it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_operator(&mut self, number: usize) -> anyhow::Result<()> {
        self.launch_operator(number)?;
        self.operators[number].ready().await
    }

    /// The same without waiting until it is ready.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn launch_operator(&mut self, number: usize) -> anyhow::Result<()> {
        let (kubeconfig, output) = (self.file("kubeconfig"), self.output(&self.operators[number]));
        let operator = &mut self.operators[number];
        let (listen, admin) = (operator.listen.to_string(), operator.admin.to_string());
        let arguments =
            [["--name", &operator.name], ["--listen", &listen], ["--admin", &admin], ["--external-url", EXTERNAL_URL]];
        let own = operator.flags.iter().map(String::as_str);
        let arguments: Vec<&str> = arguments.as_flattened().iter().copied().chain(own).collect();
        // A flag of its own wins over the variable.
        let environment = [
            ("KUBECONFIG", kubeconfig.as_str()),
            ("PORTOLAN_NAMESPACE", account::NAMESPACE),
            ("PORTOLAN_LOG", self.operator_log.as_str()),
            ("NO_COLOR", "1"),
        ];
        operator.launched(Process::spawn("portolan-operator", &arguments, &environment, output)?);
        Ok(())
    }

    /// Adds an operator with flags of its own, and starts it. Gateways that run already do not know it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn add_operator(&mut self, flags: &[&str]) -> anyhow::Result<()> {
        let number = self.operators.len();
        let mut operator = Member::new(format!("operator-{number}"));
        operator.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self.operators.push(operator);
        self.start_operator(number).await
    }

    /// Where the first operator serves its stream.
    #[must_use]
    pub fn stream(&self) -> SocketAddr {
        self.operators[0].listen
    }

    /// Gateways follow another address than the operators': something that stands between them.
    pub fn follow(&mut self, stream: SocketAddr) {
        self.stand_in = Some(stream);
    }

    /// Adds a gateway, and starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn add_gateway(&mut self) -> anyhow::Result<()> {
        let number = self.gateways.len();
        self.gateways.push(Member::new(format!("gateway-{number}")));
        self.start_gateway(number).await
    }

    /// Adds a gateway that looks for operators at these addresses, and starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn add_gateway_behind(&mut self, streams: &[SocketAddr]) -> anyhow::Result<()> {
        let number = self.gateways.len();
        let mut gateway = Member::new(format!("gateway-{number}"));
        gateway.follows = streams.to_vec();
        self.gateways.push(gateway);
        self.start_gateway(number).await
    }

    /// Starts a gateway, with the address, the data folder and the key that it had if it ran before, and waits until an operator serves it.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_gateway(&mut self, number: usize) -> anyhow::Result<()> {
        self.launch_gateway(number)?;
        self.gateways[number].ready().await
    }

    /// The same without waiting until it is ready.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn launch_gateway(&mut self, number: usize) -> anyhow::Result<()> {
        let streams: Vec<String> = self.streams(number).iter().map(|stream| format!("http://{stream}")).collect();
        let data = self.data(number).display().to_string();
        let (audit, key) = (self.audit_log(number).display().to_string(), self.file("fleet-key"));
        let (output, gateway) = (self.output(&self.gateways[number]), &mut self.gateways[number]);
        let (listen, admin) = (gateway.listen.to_string(), gateway.admin.to_string());
        let arguments = [
            ["--name", &gateway.name],
            ["--listen", &listen],
            ["--admin", &admin],
            ["--workers", "2"],
            ["--data-dir", &data],
            ["--fleet-key", &key],
            ["--audit-log", &audit],
            ["--allow-upstream", "127.0.0.0/8"],
        ];
        let operators: Vec<[&str; 2]> = streams.iter().map(|stream| ["--operator", stream.as_str()]).collect();
        let arguments = [arguments.as_flattened(), operators.as_flattened()].concat();
        gateway.launched(Process::spawn("portolan-gateway", &arguments, &[("NO_COLOR", "1")], output)?);
        Ok(())
    }

    /// Where a gateway looks for operators.
    fn streams(&self, gateway: usize) -> Vec<SocketAddr> {
        let own = &self.gateways[gateway].follows;
        match self.stand_in {
            _ if !own.is_empty() => own.clone(),
            Some(stream) => vec![stream],
            None => self.operators.iter().map(|operator| operator.listen).collect(),
        }
    }

    /// What its processes write from now on is added to files of this folder, which outlive them.
    pub fn keep_logs(&mut self, folder: &Path) {
        self.logs = Some(folder.to_owned());
    }

    fn output(&self, member: &Member) -> Option<PathBuf> {
        self.logs.as_ref().map(|folder| folder.join(&member.name))
    }

    /// Where a gateway keeps what outlives it.
    #[must_use]
    pub fn data(&self, gateway: usize) -> PathBuf {
        self.folder.path().join(format!("data-{gateway}"))
    }

    /// A gateway's audit log.
    #[must_use]
    pub fn audit_log(&self, gateway: usize) -> PathBuf {
        self.folder.path().join(format!("audit-{gateway}"))
    }

    /// Where the first gateway keeps what was in force.
    #[must_use]
    pub fn last_good(&self) -> PathBuf {
        self.data(0).join("last-good.bin")
    }

    /// Waits until the first gateway has written down all that is in force.
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

    /// A counter or gauge of the first gateway, like [`Self::operator_metric`].
    ///
    /// # Errors
    /// The gateway does not answer.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn gateway_metric(&self, series: &str) -> anyhow::Result<f64> {
        self.gateways[0].running().metric(series).await
    }

    /// The first gateway's `/config`.
    ///
    /// # Errors
    /// The gateway does not answer.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn gateway_config(&self) -> anyhow::Result<Value> {
        self.gateways[0].running().config().await
    }

    /// An agent of 2026-07-28 at a path of the first gateway.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn agent(&self, path: &str) -> Agent {
        self.agent_of(0, path)
    }

    /// An agent of 2026-07-28 at a path of a gateway.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn agent_of(&self, gateway: usize, path: &str) -> Agent {
        let address = self.gateways[gateway].running().at.listen;
        Agent { address, path: path.to_owned(), token: None, session: None }
    }

    /// Where agents connect to the first gateway.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.gateways[0].running().at.listen
    }

    /// The URL of a path where agents connect to the first gateway.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// A counter or gauge, summed over the operators that run. `series` is its name with labels, as `/metrics` has them.
    ///
    /// # Errors
    /// An operator does not answer.
    pub async fn operator_metric(&self, series: &str) -> anyhow::Result<f64> {
        let mut sum = 0.0;
        for operator in self.operators.iter().filter_map(Member::responsive) {
            sum += operator.metric(series).await?;
        }
        Ok(sum)
    }

    /// Waits until one operator of those that run holds the lease and says so alone, and gives its number.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn holder(&self) -> usize {
        eventually("an operator holds the lease", async || {
            let mut holders = Vec::new();
            for (number, operator) in self.operators.iter().enumerate() {
                let Some(running) = operator.responsive() else { continue };
                if running.config().await.ok()?["tenure"] == "Holder" {
                    holders.push(number);
                }
            }
            if let [holder] = holders[..] { Some(holder) } else { None }
        })
        .await
    }

    /// Waits until every gateway that runs follows an epoch above `before`, and gives the epoch.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn follows_epoch_above(&self, before: u64) -> u64 {
        eventually(&format!("every gateway follows an epoch above {before}"), async || {
            let epochs = self.epochs().await.ok()?;
            let lowest = epochs.into_iter().min()?;
            (lowest > before).then_some(lowest)
        })
        .await
    }

    /// The epoch that each gateway follows.
    ///
    /// # Errors
    /// A gateway does not answer.
    pub async fn epochs(&self) -> anyhow::Result<Vec<u64>> {
        let mut epochs = Vec::new();
        for gateway in self.gateways.iter().filter_map(Member::responsive) {
            epochs.push(gateway.config().await?["epoch"].as_u64().context("an epoch")?);
        }
        Ok(epochs)
    }

    /// Waits until the operators have `count` gateways.
    ///
    /// # Panics
    /// When they have not in time.
    pub async fn counts_gateways(&self, count: u32) {
        eventually(&format!("the operators count {count} gateways"), async || {
            let counted = self.operator_metric("portolan_operator_gateways").await.ok()?;
            (counted - f64::from(count)).abs().lt(&0.5).then_some(())
        })
        .await;
    }

    /// The resources that each step brought to a gateway so far, in their order.
    #[must_use]
    pub fn steps(&self, gateway: usize) -> Vec<usize> {
        let log = self.gateways[gateway].running.as_ref().map(|gateway| gateway.process.stderr()).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let steps = lines.filter(|line| line["fields"]["message"] == "step in force");
        steps.filter_map(|line| usize::try_from(line["fields"]["resources"].as_u64()?).ok()).collect()
    }

    /// The audit lines of all gateways that hold `text`.
    #[must_use]
    pub fn audited(&self, text: &str) -> Vec<Value> {
        let logs = (0..self.gateways.len()).map(|number| fs::read_to_string(self.audit_log(number)));
        let logs: Vec<String> = logs.map(Result::unwrap_or_default).collect();
        let lines = logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains(text));
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Where the operator's kubeconfig is.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        Path::new(&self.file("kubeconfig")).to_owned()
    }
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

/// The sealing key of a fleet, as its gateways read it.
#[must_use]
pub fn fleet_key() -> String {
    json!({"keys": [{"id": "one", "key": STANDARD.encode([7; 32]), "state": "current"}]}).to_string()
}
