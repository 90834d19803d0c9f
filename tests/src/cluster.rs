//! A real API server for the tests of one process, shared by all of them.
//!
//! `PORTOLAN_TEST_KUBECONFIG` names a cluster that tests may fill; otherwise one is started and dies with this process,
//! however that ends. Tests keep apart by a namespace each.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, anyhow, bail};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use portolan_crds::manifest::definitions;

/// How long the API server may take for anything that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster that is ready.
#[derive(Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
    own: Option<Own>,
}

/// A cluster that we started.
#[derive(Debug)]
struct Own {
    binary: PathBuf,
    dir: PathBuf,
    /// It stops the cluster when its standard input ends, that is when this process does.
    supervisor: Option<Child>,
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            // Stopping takes seconds, which no test has to wait for.
            std::thread::spawn(move || supervisor.wait());
        }
    }
}

impl Cluster {
    /// The cluster of this process. The first caller waits for it to start (minutes, if it is not built yet).
    ///
    /// # Errors
    /// No cluster is given and none can be started; the message says what to install.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let start = || match env::var_os("PORTOLAN_TEST_KUBECONFIG") {
            Some(path) => Ok(Self { kubeconfig: path.into(), own: None }),
            None => Self::start(&["--controller-manager"]).map_err(|error| format!("{error:#}")),
        };
        SHARED.get_or_init(start).as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// A cluster for one test, which may stop its API server: gone when this is dropped.
    ///
    /// # Errors
    /// None can be started; the message says what to install.
    pub fn own() -> anyhow::Result<Self> {
        Self::start(&[])
    }

    fn start(flags: &[&str]) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let binary = build(&root())?;
        let folder = root().join("target/cluster/tests");
        remove_folders_of_the_dead(&folder);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = folder.join(std::process::id().to_string()).join(count.to_string());
        fs::create_dir_all(&dir)?;
        let mut supervisor = Command::new(&binary)
            .arg("up")
            .args(flags)
            .arg("--dir")
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the test cluster cannot be run")?;
        let stdout = supervisor.stdout.take().context("no standard output")?;
        let mut kubeconfig = String::new();
        BufReader::new(stdout).read_line(&mut kubeconfig)?;
        if kubeconfig.is_empty() {
            bail!("the test cluster did not start: {}", supervisor.wait()?);
        }
        let own = Own { binary, dir, supervisor: Some(supervisor) };
        Ok(Self { kubeconfig: kubeconfig.trim_end().into(), own: Some(own) })
    }

    /// Stops the API server; what it stores stays.
    ///
    /// # Errors
    /// The cluster is not our own, or the API server does not stop.
    pub async fn stop_api(&self) -> anyhow::Result<()> {
        self.command("stop-api").await
    }

    /// Starts the API server again and returns when it is ready.
    ///
    /// # Errors
    /// The cluster is not our own, or the API server does not start.
    pub async fn start_api(&self) -> anyhow::Result<()> {
        self.command("start-api").await
    }

    /// Kills the API server where it stands.
    ///
    /// # Errors
    /// The cluster is not our own, or the API server does not run.
    pub fn kill_api(&self) -> anyhow::Result<()> {
        self.signal("kube-apiserver", "KILL")
    }

    /// Stops etcd in the middle of whatever it does, until [`Cluster::etcd_goes_on`].
    ///
    /// # Errors
    /// The cluster is not our own.
    pub fn pause_etcd(&self) -> anyhow::Result<()> {
        self.signal("etcd", "STOP")
    }

    /// Lets etcd go on.
    ///
    /// # Errors
    /// The cluster is not our own.
    pub fn etcd_goes_on(&self) -> anyhow::Result<()> {
        self.signal("etcd", "CONT")
    }

    /// The number in a pid file is that of our own cluster's process as long as its supervisor lives: only we end those two.
    fn signal(&self, service: &str, signal: &str) -> anyhow::Result<()> {
        let file = self.ours()?.dir.join("run").join(service).with_added_extension("pid");
        let process = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let sent = Command::new("kill").args(["-s", signal, process.trim_end()]).status()?;
        anyhow::ensure!(sent.success(), "kill -s {signal} {service}: {sent}");
        Ok(())
    }

    fn ours(&self) -> anyhow::Result<&Own> {
        self.own.as_ref().context("only a cluster of our own is stopped")
    }

    async fn command(&self, name: &str) -> anyhow::Result<()> {
        let own = self.ours()?;
        let status = tokio::process::Command::new(&own.binary).arg(name).arg("--dir").arg(&own.dir).status().await?;
        anyhow::ensure!(status.success(), "{name}: {status}");
        Ok(())
    }

    /// What `kubectl` says to these arguments, as the administrator.
    ///
    /// # Errors
    /// It fails; the error has its words.
    pub async fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let binary = match &self.own {
            Some(own) => own.binary.clone(),
            None => build(&root())?,
        };
        let mut command = tokio::process::Command::new(binary);
        command.arg("kubectl").args(arguments).arg("--kubeconfig").arg(&self.kubeconfig).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.context("kubectl does not end")??;
        anyhow::ensure!(output.status.success(), "kubectl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client, which belongs to the runtime that asks for it.
    ///
    /// # Errors
    /// The kubeconfig cannot be used.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }

    /// Applies our CRDs and returns when the API server serves the three kinds.
    ///
    /// # Errors
    /// The API server refuses one, or does not serve it in time.
    pub async fn install(&self, client: &Client) -> anyhow::Result<()> {
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in definitions() {
            let name = definition.metadata.name.clone().unwrap_or_default();
            let ours = PatchParams::apply("portolan-tests").force();
            api.patch(&name, &ours, &Patch::Apply(&definition)).await.with_context(|| format!("{name} is refused"))?;
            let established = await_condition(api.clone(), &name, is_crd_established());
            tokio::time::timeout(PATIENCE, established)
                .await
                .with_context(|| format!("{name} is not established"))??;
            served(client, &definition).await?;
        }
        Ok(())
    }

    /// A new namespace whose name begins with `purpose`.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn namespace(&self, client: &Client, purpose: &str) -> anyhow::Result<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        let name = format!("{purpose}-{now:x}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.clone());
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(name)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The path of the cluster's binary, built if need be. What the build says goes to our standard error.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let script = root.join("tests/cluster/build.sh");
    let output =
        Command::new(&script).stderr(Stdio::inherit()).output().context("tests/cluster/build.sh cannot be run")?;
    if !output.status.success() {
        bail!(
            "no API server for the tests: install Go (tests/cluster/go.mod has the version), or set PORTOLAN_TEST_KUBECONFIG"
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

/// Each folder is named by the process that it was for; credentials of processes that are gone serve nobody.
fn remove_folders_of_the_dead(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            // Another test process may be at the same folder: whoever is first removes it.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Waits until a list of the kind is answered: an established CRD may be unknown to the server's router for a moment.
async fn served(client: &Client, definition: &CustomResourceDefinition) -> anyhow::Result<()> {
    let names = &definition.spec.names;
    let kind = GroupVersionKind::gvk(portolan_crds::GROUP, portolan_crds::VERSION, &names.kind);
    let api: Api<DynamicObject> =
        Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, &names.plural));
    let answered = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            match api.list(&ListParams::default().limit(1)).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                answer => return answer.map(|_| ()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.with_context(|| format!("{} is not served", names.kind))??;
    Ok(())
}
