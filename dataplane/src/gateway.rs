//! One gateway: the background runtime that follows the configuration, and the workers that serve from it.
//!
//! Joins the parts and owns none of their decisions. What is slow or may wait lives on the runtime that calls `start`, never on a worker.

mod describe;
mod keys;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::{Request, Response};
use hyper::body::Incoming;
use portolan_config::delta::client::Session;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::admin::{Admin, Readiness, write_ready_file};
use crate::config::{self, Client, ConfigSource, Held, Kept, Progress};
use crate::drain::{Drain, Times};
use crate::jwks::{self, Fetcher, Hasten};
use crate::listener::admission::Admission;
use crate::listener::head::Fault;
use crate::listener::tls::Certificate;
use crate::listener::{self, Connection, Listener, Service, bind};
use crate::options::Settings;
use crate::probe::Prober;
use crate::request::admit::Origins;
use crate::request::body::Body;
use crate::request::context::{self, Context};
use crate::request::refusal::Refusal;
use crate::snapshot::compile;
use crate::snapshot::{Compiler, Source};
use crate::telemetry::{Audit, Metrics, Telemetry};
use crate::upstream::Dialer;
use crate::worker::Workers;

/// A gateway is ready without having tried every assigned server after so long: a server that hangs must not keep a fleet from starting.
const TRYING: Duration = Duration::from_secs(5);

/// A gateway that serves.
pub struct Gateway {
    /// Where agents connect.
    pub listen: SocketAddr,
    /// Where the admin port is.
    pub admin: SocketAddr,
    /// Whether it is ready.
    pub readiness: Readiness,
    drain: Drain,
    times: Times,
    telemetry: Telemetry,
    workers: Workers,
    background: Vec<JoinHandle<()>>,
}

/// Hands requests to the phases.
#[derive(Clone)]
struct Requests(Arc<Context>);

impl Service for Requests {
    type Body = Body;

    async fn call(&self, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
        crate::request::serve(&self.0, connection, request).await
    }

    fn refuse(&self, _connection: &Connection, fault: Fault) -> Response<Body> {
        let refusal = Refusal::http(fault.status, fault.word);
        self.0.telemetry.metrics().refused(refusal.word);
        refusal.into_response()
    }
}

impl Gateway {
    /// Starts to serve and to follow `source`. Needs a runtime of its own that lives as long as the gateway.
    ///
    /// # Errors
    /// An address is taken, a file is not readable, a thread cannot be had: the process should end.
    pub async fn start(settings: Settings, source: ConfigSource) -> anyhow::Result<Self> {
        let metrics = Metrics::new(&settings.limits);
        let audit = settings.audit_log.as_ref();
        let audit = audit.map(|sink| Audit::open(sink, settings.limits.audit_lines, metrics.clone())).transpose()?;
        let telemetry = Telemetry::new(metrics.clone(), audit);
        let drain = Drain::new();
        let (runtimes, threads) = settings.runtimes();
        let sockets = bind::bind(settings.listen, runtimes)?;
        let listen = sockets.first().context("no worker")?.local_addr()?;
        let admin_socket = TcpListener::bind(settings.admin).await.with_context(|| settings.admin.to_string())?;
        let admin = admin_socket.local_addr()?;
        let readiness = Readiness::new();
        let mut background = Vec::new();

        let (ended_sender, ended) = mpsc::unbounded_channel();
        let ring = keys::ring(&settings)?;
        background.push(tokio::spawn(ring.clone().follow()));
        background.extend(source.tls().map(|tls| tokio::spawn(tls.follow())));
        let context = Context::new(context::Parts {
            ring,
            limits: settings.limits.clone(),
            telemetry: telemetry.clone(),
            origins: Origins { allowed: settings.allow_origins.clone(), loopback: listen.ip().is_loopback() },
            key_sets: Hasten::default(),
            drain: drain.signal(),
            ended: ended_sender,
        });
        let (mut client, progress) = client(&settings, &context, &source, listen, ended);
        background.push(block_until_ready(&readiness, progress));
        client.restore(&settings.name);
        background.push(tokio::spawn(client.run(source)));
        let (shown, served) = (Arc::clone(&context), Arc::clone(&context));
        let admin_port = Admin {
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            source: Arc::new(move || served.snapshot().source),
            config: Arc::new(move || describe::snapshot(&shown.snapshot())),
        };
        background.push(tokio::spawn(admin_port.serve(admin_socket, settings.limits.clone())));
        let tls = settings.listen_tls_dir.clone().map(Certificate::load).transpose()?;
        background.extend(tls.clone().map(|certificate| tokio::spawn(certificate.follow())));
        background.extend(settings.ready_file.clone().map(|path| announce(path, readiness.clone(), listen, admin)));

        let admission = Admission::new(settings.limits.connections, settings.limits.connections_per_source);
        let workers = Workers::start(sockets, threads, |runtime| Listener {
            service: Requests(Arc::clone(&context)),
            workers: listener::Workers::new(runtime * threads, threads),
            limits: settings.limits.clone(),
            admission: admission.clone(),
            tls: tls.clone(),
            drain: drain.signal(),
            metrics: metrics.clone(),
        })?;
        Ok(Self { listen, admin, readiness, drain, times: settings.drain, telemetry, workers, background })
    }

    /// Serves until `stop`, then drains; `hurry` cuts the drain short.
    ///
    /// # Errors
    /// A worker died: the process should end too.
    pub async fn run(mut self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::select! {
            ended = self.workers.ended() => return ended.and_then(|()| anyhow::bail!("the workers ended")),
            () = stop => {}
        }
        let _unready = self.readiness.block("draining");
        self.drain.run(self.times, hurry).await;
        let ended = self.workers.ended().await;
        self.telemetry.flush();
        for task in self.background {
            task.abort();
        }
        ended
    }
}

fn client(
    settings: &Settings,
    context: &Arc<Context>,
    source: &ConfigSource,
    listen: SocketAddr,
    ended: mpsc::UnboundedReceiver<context::EndedSession>,
) -> (Client, tokio::sync::watch::Receiver<Progress>) {
    let dialer = Arc::new(Dialer::new(settings.allow_upstreams.clone(), settings.standalone));
    let metrics = context.telemetry.metrics();
    let compiler = Compiler::new(compile::Settings {
        workers: settings.workers,
        dialer: Arc::clone(&dialer),
        open_without_authentication: settings.standalone && listen.ip().is_loopback(),
        source: if matches!(source, ConfigSource::Core(_)) { Source::Files } else { Source::Stream },
        metrics: metrics.clone(),
    });
    let (prober, findings) = Prober::new();
    let (fetcher, fetched) = Fetcher::new(jwks::Means {
        dialer,
        limits: context.limits.clone(),
        metrics: metrics.clone(),
        hasten: context.key_sets.clone(),
    });
    Client::new(config::Parts {
        context: Arc::clone(context),
        compiler,
        session: Session::new(settings.name.clone(), settings.fleet.clone(), env!("CARGO_PKG_VERSION").to_owned()),
        held: Held::new(context.ring.clone(), source.tls()),
        prober,
        findings,
        fetcher,
        fetched,
        kept: Kept::new(settings, metrics),
        ended,
    })
}

/// Ready when the first step is in force and each assigned server was tried, or has had its time.
fn block_until_ready(readiness: &Readiness, mut progress: tokio::sync::watch::Receiver<Progress>) -> JoinHandle<()> {
    let blocker = readiness.block("configuration");
    tokio::spawn(async move {
        // The sender lives in the client's task: when it is gone nothing will ever be ready.
        let Ok(_) = progress.wait_for(|progress| progress.in_force).await.map(drop) else {
            return std::future::pending().await;
        };
        let tried = progress.wait_for(|progress| progress.tried);
        let _ = tokio::time::timeout(TRYING, tried).await.map(drop);
        drop(blocker);
    })
}

fn announce(path: std::path::PathBuf, readiness: Readiness, listen: SocketAddr, admin: SocketAddr) -> JoinHandle<()> {
    tokio::spawn(async move {
        readiness.ready().await;
        if let Err(error) = write_ready_file(&path, listen, admin) {
            tracing::error!(%error, "ready file");
        }
    })
}
