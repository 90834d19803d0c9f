//! Puts the operator's parts together and takes them down in order.

use std::{path::Path, time::Duration};

use anyhow::Context;
use kube::Client;
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin,
    identity::{self, Material},
    lease::{Tenure, keeper},
    metrics::Metrics,
    operator::Operator,
    options::Options,
    publish,
    serve::{self, tls::Door},
    status, watch,
};

/// Longest wait for parts to stop once they are asked.
const STOP: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or SIGINT; a second one stops at once.
///
/// # Errors
/// No address to listen on, no way to an API server, or a part that cannot go on.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(live(options))
}

async fn live(options: &Options) -> anyhow::Result<()> {
    let stream = TcpListener::bind(options.listen).await.with_context(|| format!("--listen {}", options.listen))?;
    let admin = TcpListener::bind(options.admin).await.with_context(|| format!("--admin {}", options.admin))?;
    let ready = json!({"listen": stream.local_addr()?.to_string(), "admin": admin.local_addr()?.to_string()});
    tracing::info!(listen = %stream.local_addr()?, admin = %admin.local_addr()?, fleet = options.fleet, "portolan-operator");
    let client = Client::try_default().await.context("no way to an API server: set KUBECONFIG or run in a cluster")?;

    let mut settings = options.settings();
    if let Some(grantee) = watch::grantee(&client).await {
        settings.grantee = grantee;
    }
    let (operator, metrics) = (Operator::new(settings), Metrics::new());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    operator.set_tenure(Tenure::StandBy { holder: None });
    watch::start(&client, &operator, &metrics, &tasks, &stop);
    tasks.spawn(publish::run(operator.clone(), metrics.clone(), stop.clone()));
    tasks.spawn(keeper::run(client.clone(), options.lease(), operator.clone(), stop.clone()));
    tasks.spawn(status::writer::run(client.clone(), operator.clone(), metrics.clone(), stop.clone()));
    tasks.spawn(admin::serve(admin, operator.clone(), metrics, stop.clone()));
    let door = door(options, &client, &operator, &tasks, &stop).await?;
    let mut serving = tasks.spawn(serve::serve(stream, operator.clone(), door, stop.clone()));
    if let Some(file) = options.ready_file.clone() {
        let (operator, stop) = (operator, stop.clone());
        tasks.spawn(async move { stop.run_until_cancelled(tell_ready(&operator, &file, &ready)).await });
    }
    tasks.close();

    let asked = tokio::select! {
        asked = signalled() => asked,
        ended = &mut serving => Err(anyhow::anyhow!("the stream's listener ended: {ended:?}")),
    };
    stop.cancel();
    tokio::select! {
        _ = tokio::time::timeout(STOP, tasks.wait()) => {}
        _ = signalled() => {}
    }
    asked
}

/// Starts to keep the fleet's identity, and makes the door that goes by it; `None` where the stream is plain text.
async fn door(
    options: &Options,
    client: &Client,
    operator: &Operator,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Door>> {
    let Some(settings) = options.identity() else { return Ok(None) };
    let (sender, material) = sync::watch::channel(None);
    if let Some(folder) = options.tls_dir.clone() {
        sender.send_replace(Some(Material::read(&folder).await.context("--tls-dir")?));
        let (sender, stop) = (sender.clone(), stop.clone());
        tasks.spawn(async move { stop.run_until_cancelled(identity::follow(&folder, sender)).await });
    }
    let (keeping, stop) = (identity::keep(client.clone(), settings, operator.clone(), sender), stop.clone());
    tasks.spawn(async move { stop.run_until_cancelled(keeping).await });
    Ok(Some(Door::new(&options.fleet, material)))
}

/// Writes the ready file once `/readyz` answers 200: whole or not at all, since somebody is polling for it.
async fn tell_ready(operator: &Operator, file: &Path, ready: &serde_json::Value) {
    operator.settled().await;
    let draft = file.with_extension("draft");
    let written = async {
        tokio::fs::write(&draft, ready.to_string()).await?;
        tokio::fs::rename(&draft, file).await
    };
    if let Err(error) = written.await {
        tracing::error!(file = %file.display(), %error, "cannot write the ready file");
    }
}

async fn signalled() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    Ok(())
}
