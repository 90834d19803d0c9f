//! Certificates, authorities and keys are made by the operator, mounted for gateways, and replaced while agents call.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use portolan_tests::{
    account::{self, NAMESPACE},
    agent::Agent,
    cluster::Cluster,
    eventually::eventually,
    fixture::Fixture,
    kubelet::Mount,
    load::Load,
    manifests::{route, server},
    namespace::Namespace,
    process::{Addresses, Process},
    recorder::Speaks,
    request::Request,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::setup::{open, route_with};

/// A fleet whose stream is encrypted, with the shortest lives that a loaded machine keeps up with.
struct Fleet {
    cluster: Cluster,
    client: kube::Client,
    folder: TempDir,
    listen: SocketAddr,
    operator: Option<(Process, Addresses)>,
}

impl Fleet {
    async fn start() -> anyhow::Result<Self> {
        let cluster = Cluster::own()?;
        let client = cluster.client().await?;
        cluster.install(&client).await?;
        let folder = tempfile::tempdir()?;
        account::write_kubeconfig(&cluster, &client, &folder.path().join("kubeconfig")).await?;
        let mut fleet = Self { cluster, client, folder, listen: ([0, 0, 0, 0], 0).into(), operator: None };
        fleet.start_operator().await?;
        Ok(fleet)
    }

    /// Starts the operator, where it was if it ran before.
    async fn start_operator(&mut self) -> anyhow::Result<()> {
        let (listen, kubeconfig) = (self.listen.to_string(), self.file("kubeconfig").display().to_string());
        let flags = [
            ["--listen", &listen],
            ["--admin", "127.0.0.1:0"],
            ["--namespace", NAMESPACE],
            ["--certificate-lifetime", "6s"],
            ["--authority-lifetime", "24s"],
            ["--key-lifetime", "5s"],
        ];
        let environment = [("KUBECONFIG", kubeconfig.as_str()), ("NO_COLOR", "1")];
        let (process, at) = Process::start_in("portolan-operator", flags.as_flattened(), &environment).await?;
        self.listen = at.listen;
        self.operator = Some((process, at));
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn secret(&self, name: &str, file: &str) -> Option<Value> {
        let secret: Secret = Api::namespaced(self.client.clone(), NAMESPACE).get(name).await.ok()?;
        serde_json::from_slice(&secret.data?.get(file)?.0).ok()
    }

    /// Ids of a ring's members, by their state.
    async fn ring(&self, name: &str, file: &str, member: &str, state: &str) -> BTreeSet<String> {
        let ring = self.secret(name, file).await.unwrap_or_default();
        let all = ring[member].as_array().cloned().unwrap_or_default();
        let found = all.iter().filter(|one| one["state"] == state);
        found.filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
    }

    async fn keys(&self, state: &str) -> BTreeSet<String> {
        self.ring("portolan-default-keys", "keys.json", "keys", state).await
    }

    async fn authorities(&self, state: &str) -> BTreeSet<String> {
        self.ring("portolan-default-authority", "authorities.json", "authorities", state).await
    }

    async fn counts_gateways(&self, count: u32) {
        eventually(&format!("the operator counts {count} gateways"), async || {
            let (_, at) = self.operator.as_ref()?;
            let text = Request::get("/metrics").send(at.admin).await.ok()?.text();
            let line = text.lines().find_map(|line| line.strip_prefix("portolan_operator_gateways "))?;
            (line.trim() == count.to_string()).then_some(())
        })
        .await;
    }
}

/// A gateway with what kubelet mounts for it.
struct Gateway {
    keys: Mount,
    _certificate: Mount,
    _process: Process,
    at: Addresses,
}

impl Gateway {
    async fn start(fleet: &Fleet, name: &str) -> anyhow::Result<Self> {
        let mount = async |secret, part: &str| {
            Mount::start(&fleet.client, NAMESPACE, secret, fleet.file(&format!("{name}-{part}"))).await
        };
        let keys = mount("portolan-default-keys", "keys").await;
        let certificate = mount("portolan-default-gateway", "tls").await;
        let (operator, data) = (format!("https://localhost:{}", fleet.listen.port()), fleet.file(name));
        let (tls, key) =
            (certificate.folder.display().to_string(), keys.folder.join("keys.json").display().to_string());
        let data = data.display().to_string();
        let flags = [
            ["--operator", &operator],
            ["--tls-dir", &tls],
            ["--fleet-key", &key],
            ["--name", name],
            ["--listen", "127.0.0.1:0"],
            ["--admin", "127.0.0.1:0"],
            ["--workers", "1"],
            ["--data-dir", &data],
            ["--allow-upstream", "127.0.0.0/8"],
        ];
        let (process, at) = Process::start_in("portolan-gateway", flags.as_flattened(), &[("NO_COLOR", "1")]).await?;
        Ok(Self { keys, _certificate: certificate, _process: process, at })
    }

    fn agent(&self, path: &str) -> Agent {
        Agent { address: self.at.listen, path: path.to_owned(), token: None, session: None }
    }
}

/// Server `alpha` behind route `eng`.
async fn objects(namespace: &Namespace) -> anyhow::Result<Fixture> {
    let upstream = Fixture::start(Speaks::Both).await?;
    let path = namespace.path("eng");
    let objects = [server("alpha", &upstream.url()), route("eng", &path, &["alpha"]), open("open", "eng")];
    namespace.apply_all(&objects).await?;
    namespace.programmed(&objects).await;
    Ok(upstream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_authorities_and_keys_are_replaced_under_load_and_no_call_fails() -> anyhow::Result<()> {
    let mut fleet = Fleet::start().await?;
    let (one, two) = (Gateway::start(&fleet, "gateway-0").await?, Gateway::start(&fleet, "gateway-1").await?);
    fleet.counts_gateways(2).await;
    let namespace = Namespace::new(&fleet.cluster, "rotation").await?;
    let _upstream = objects(&namespace).await?;
    let path = namespace.path("eng");
    let elsewhere = |agent: &Agent, gateway: &Gateway| Agent { address: gateway.at.listen, ..agent.clone() };
    for gateway in [&one, &two] {
        gateway.agent(&path).lists(&crate::setup::TOOLS).await;
    }
    let mut sessions = vec![one.agent(&path).initialized().await?, two.agent(&path).initialized().await?];
    let agents =
        vec![one.agent(&path), sessions[0].clone(), elsewhere(&sessions[0], &two), elsewhere(&sessions[1], &one)];
    let load = Load::start(agents, "alpha_echo");

    // A key that one pod does not hold yet does not seal, however late that pod's kubelet is.
    let first = fleet.keys("current").await;
    eventually("a next key is made", async || (!fleet.keys("next").await.is_empty()).then_some(())).await;
    two.keys.be_late(true);
    let mut known = fleet.keys("next").await;
    known.extend(fleet.keys("current").await);
    eventually("a key that one pod lacks is made", async || {
        let next = fleet.keys("next").await;
        (!next.is_empty() && next.is_disjoint(&known)).then_some(())
    })
    .await;
    let lacking = fleet.keys("next").await;
    let authorities = fleet.authorities("current").await;
    for _ in 0..4 {
        load.makes(100).await;
        sessions.push(one.agent(&path).initialized().await?);
        assert_eq!(fleet.keys("next").await, lacking, "a pod lacks it");
    }
    two.keys.be_late(false);
    eventually("it seals once both hold it", async || (fleet.keys("current").await == lacking).then_some(())).await;
    assert!(fleet.keys("previous").await.is_superset(&first), "what was sealed before still opens");

    // Another authority takes over, and the one before is dropped.
    for gateway in [&one, &two] {
        sessions.push(gateway.agent(&path).initialized().await?);
    }
    eventually("another authority is in use", async || {
        let current = fleet.authorities("current").await;
        (!current.is_empty() && current.is_disjoint(&authorities)).then_some(())
    })
    .await;
    eventually("the authority before is dropped", async || {
        fleet.authorities("previous").await.is_disjoint(&authorities).then_some(())
    })
    .await;

    // Everybody comes back with certificates that did not exist when the streams were opened, and edits arrive.
    let (mut process, _) = fleet.operator.take().expect("an operator");
    process.kill9()?;
    load.makes(50).await;
    fleet.start_operator().await?;
    fleet.counts_gateways(2).await;
    for session in &sessions {
        for gateway in [&one, &two] {
            let reply = elsewhere(session, gateway).call("alpha_echo", r#"{"text":"still"}"#).await?;
            assert_eq!(reply.tool_text(), "still", "{} {}", reply.status, reply.text());
        }
    }
    load.makes(50).await;
    namespace.apply(&route_with(&path, &json!({"tools": {"include": ["echo"]}}))).await?;
    for gateway in [&one, &two] {
        gateway.agent(&path).lists(&["alpha_echo"]).await;
    }
    load.finish().await?;
    Ok(())
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_one_line_and_nothing_secret_is_logged() -> anyhow::Result<()> {
    let fleet = Fleet::start().await?;
    let _gateway = Gateway::start(&fleet, "gateway-0").await?;
    let refused = |fleet: &Fleet| {
        let log = fleet.operator.as_ref().map(|(process, _)| process.stderr()).unwrap_or_default();
        log.lines().filter(|line| line.contains("peer refused")).count()
    };
    // The gateway may have come before the operator had its certificate.
    let before = refused(&fleet);
    for count in 1..=3 {
        let mut socket = TcpStream::connect(("127.0.0.1", fleet.listen.port())).await?;
        socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        let mut received = Vec::new();
        let _ = socket.read_to_end(&mut received).await;
        assert!(received.len() < 10, "no more than an alert: {received:?}");
        eventually("the refusal is logged", async || (refused(&fleet) == before + count).then_some(())).await;
    }
    let (process, _) = fleet.operator.as_ref().expect("an operator");
    let log = process.stderr();
    for (secret, file, member) in [
        ("portolan-default-keys", "keys.json", "keys"),
        ("portolan-default-authority", "authorities.json", "authorities"),
    ] {
        let ring = fleet.secret(secret, file).await.expect("a ring");
        for one in ring[member].as_array().expect("members") {
            let key = one["key"].as_str().expect("a key");
            assert!(!log.contains(key) && !log.contains("PRIVATE KEY"), "a key is logged");
        }
    }
    Ok(())
}
