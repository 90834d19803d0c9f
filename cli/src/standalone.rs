//! `portolan standalone`: the operator's core and one gateway in this process, joined by the same stream protocol, fed from files.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use portolan_dataplane::config::{ConfigSource, Link};
use portolan_dataplane::gateway::Gateway;
use portolan_dataplane::stop::Stops;
use portolan_operator::metrics::Metrics;
use portolan_operator::object::{Object, ObjectKey};
use portolan_operator::operator::Operator;
use portolan_operator::{publish, serve};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::follow::Follower;
use crate::manifests::{Manifests, Reading};
use crate::options::Standalone;
use crate::report::{self, Paint};
use crate::snippet;

/// Statuses change in quick succession; what is printed is where they come to rest.
const REST: Duration = Duration::from_millis(150);
/// Messages that wait between the two halves of the process.
const IN_FLIGHT: usize = 16;

/// Runs until it is told to stop.
///
/// # Errors
/// An address is taken or a file cannot be used: the process should end.
pub fn run(options: Standalone) -> anyhow::Result<ExitCode> {
    // Two threads beside the workers: a translation of many objects must not keep the handshakes waiting.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(live(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn live(options: Standalone) -> anyhow::Result<()> {
    let stops = Stops::listen()?;
    let operator = Operator::new(options.operator());
    let mut manifests = Manifests::at(&options.paths);
    let mut page = Page::new();
    // Watched before they are read: a change in between is not lost.
    let follower = Follower::new(&options.paths).context("cannot watch the files")?;
    page.take(manifests.read(), &operator)?;
    operator.publish_now();
    let ended = CancellationToken::new();
    tokio::spawn(publish::run(operator.clone(), Metrics::new(), ended.clone()));

    let gateway = Gateway::start(options.serving.clone().alone(), source(operator.clone())).await?;
    page.base = base(&options, gateway.listen);
    tracing::info!(listen = %gateway.listen, admin = %gateway.admin, "serving");
    let ready = gateway.readiness.clone();
    let following = async {
        ready.ready().await;
        // The gateway's first reports are being counted: a moment later the first page is the whole truth.
        tokio::time::sleep(REST).await;
        follow(&mut manifests, follower, &operator, &mut page).await
    };
    let stopped = tokio::select! {
        result = gateway.run(stops.times(1), stops.times(2)) => result,
        result = following => result.map_err(Into::into),
    };
    ended.cancel();
    stopped
}

/// The operator's core as a gateway's source: the stream's own protocol, without a network.
fn source(operator: Operator) -> ConfigSource {
    ConfigSource::Core(Box::new(move || {
        let (sender, mut messages) = serve::connect(&operator);
        let (forward, receiver) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if forward.send(Ok(message)).await.is_err() {
                    return;
                }
            }
        });
        Link { sender, receiver }
    }))
}

/// Reads files when they change, and prints statuses when they do.
async fn follow(
    manifests: &mut Manifests,
    mut follower: Follower,
    operator: &Operator,
    page: &mut Page,
) -> io::Result<()> {
    let mut statuses = operator.status_changes();
    loop {
        page.show(operator)?;
        tokio::select! {
            () = follower.changed() => page.take(manifests.read(), operator)?,
            changed = statuses.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Where agents reach this gateway.
fn base(options: &Standalone, listen: SocketAddr) -> String {
    match &options.external_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None if listen.ip().is_unspecified() => format!("http://127.0.0.1:{}", listen.port()),
        None => format!("http://{listen}"),
    }
}

/// What has been printed, so that only what is new is.
struct Page {
    paint: Paint,
    base: String,
    /// Routes with the first of their hosts and their path.
    routes: BTreeMap<ObjectKey, (Option<String>, String)>,
    shown: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Page {
    fn new() -> Self {
        let paint = Paint::new(io::stdout().is_terminal());
        Self { paint, base: String::new(), routes: BTreeMap::new(), shown: BTreeMap::new(), faults: Vec::new() }
    }

    /// Takes in a reading: its objects are in force soon, its faults are told at once.
    fn take(&mut self, reading: Reading, operator: &Operator) -> io::Result<()> {
        let faults: Vec<String> = reading.faults.iter().map(report::fault).collect();
        let notes: Vec<String> = reading.notes.iter().map(report::fault).collect();
        let told: Vec<String> = faults.iter().chain(&notes).cloned().collect();
        let mut out = io::stdout().lock();
        for line in told.iter().filter(|line| !self.faults.contains(line)) {
            let line = if faults.contains(line) { self.paint.bad(line) } else { self.paint.dim(line) };
            writeln!(out, "{line}")?;
        }
        self.faults = told;
        self.routes = reading.objects.iter().filter_map(|object| Some((object.key(), address(object)?))).collect();
        operator.replace_all(reading.objects);
        Ok(())
    }

    /// Prints what has changed of conditions and endpoints.
    fn show(&mut self, operator: &Operator) -> io::Result<()> {
        let mut now = BTreeMap::new();
        for status in operator.conditions() {
            let name = format!("{}{:?}", status.object, status.target);
            now.insert(name, report::conditions(&status, self.paint));
        }
        for (route, (host, path)) in &self.routes {
            let url = format!("{}{path}", self.base);
            let command = self.paint.dim(&snippet::curl(&url, host.as_deref()));
            now.insert(
                format!("~{route}"),
                format!("{} {}\n  {command}\n", self.paint.bold("endpoint"), self.paint.good(&url)),
            );
        }
        let mut out = io::stdout().lock();
        for (_, text) in now.iter().filter(|(name, text)| self.shown.get(*name) != Some(text)) {
            out.write_all(text.as_bytes())?;
        }
        for (name, text) in self.shown.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let first = text.lines().next().unwrap_or(name);
            writeln!(out, "{} {first}", self.paint.dim("gone"))?;
        }
        out.flush()?;
        self.shown = now;
        Ok(())
    }
}

/// The first host and the path of a route.
fn address(object: &Object) -> Option<(Option<String>, String)> {
    match object {
        Object::Route(route) => {
            let spec = &route.valid()?.spec;
            Some((spec.hostnames.first().cloned(), spec.path.clone()))
        }
        _ => None,
    }
}
