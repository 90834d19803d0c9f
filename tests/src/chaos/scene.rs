//! Everything that a run is about, put up and in force: cluster, operators, gateways behind their own connections and on their own disks, servers,
//! and tenants with a route each.

use std::{path::Path, sync::Arc, time::Instant};

use super::{
    clients::{Client, Desk, Door},
    disk::Disk,
    edits::Tenant,
    ledger::{Ledgers, Place},
    schedule::{GATEWAYS, OPERATORS},
    servers::Servers,
    stream::Link,
};
use crate::{cluster::Cluster, eventually::eventually, fleet::Fleet, identity::Issuer, namespace::Namespace};

/// Tenants and who they let in.
const TENANTS: [(&str, &str); 2] = [("blue", "ann"), ("green", "bob")];
/// Clients of each tenant in each era.
const CLIENTS: usize = 3;

/// The whole.
pub struct Scene {
    /// When it began.
    pub clock: Instant,
    /// Both halves of the load: the clients' ledger, and the clients.
    pub desk: Arc<Desk>,
    /// Each gateway's connections to the operators.
    pub links: Vec<Vec<Link>>,
    /// Each gateway's disk. Unmounted before the fleet's folder is removed.
    pub disks: Vec<Disk>,
    /// The fleet, for one hand at a time.
    pub fleet: tokio::sync::Mutex<Fleet>,
    /// The MCP servers.
    pub servers: Servers,
    /// Who edits what.
    pub tenants: Vec<Tenant>,
    /// The cluster; last, since the operators want it.
    pub cluster: Cluster,
}

impl Scene {
    /// Puts it up. `mount`: disks of their own may be mounted.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn new(logs: &Path, mount: bool) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let cluster = Cluster::own()?;
        let servers = Servers::start(clock).await?;
        let mut fleet = Fleet::of(&cluster, OPERATORS, 0).await?;
        fleet.keep_logs(logs);
        let (mut links, mut disks) = (Vec::new(), Vec::new());
        for gateway in 0..GATEWAYS {
            let mut own = Vec::new();
            for operator in &fleet.operators {
                own.push(Link::start(operator.running().at.listen).await?);
            }
            let streams: Vec<_> = own.iter().map(|link| link.address).collect();
            disks.push(Disk::at(fleet.data(gateway), mount)?);
            fleet.add_gateway_behind(&streams).await?;
            links.push(own);
        }
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let tenants = tenants(&cluster, &servers, &issuer).await?;
        let mut doors = Vec::new();
        for tenant in &tenants {
            let objects = tenant.objects();
            tenant.namespace.apply_all(&objects).await?;
            tenant.namespace.programmed(&objects).await;
            doors.push(Door { path: tenant.path(), token: issuer.token(tenant.subject)? });
        }
        let gateways = fleet.gateways.iter().map(|gateway| gateway.running().at.listen).collect();
        let desk = Desk::new(clock, gateways, doors, Servers::places());
        let fleet = tokio::sync::Mutex::new(fleet);
        let scene = Self { clock, desk, links, disks, fleet, servers, tenants, cluster };
        scene.every_client_is_served().await;
        Ok(scene)
    }

    /// Tools are listed as soon as they are known, which is after their route is in force.
    async fn every_client_is_served(&self) {
        for client in &mut self.clients(0) {
            eventually("every server answers on every gateway", async || {
                client.calls_everything().await.is_empty().then_some(())
            })
            .await;
        }
    }

    /// New clients of every tenant and era.
    #[must_use]
    pub fn clients(&self, seed: u64) -> Vec<Client> {
        let mut clients = Vec::new();
        for tenant in 0..self.tenants.len() {
            for number in 0..CLIENTS * 2 {
                let legacy = number % 2 == 0;
                let era = if legacy { "2025-11-25" } else { "2026-07-28" };
                let name = format!("{}-{number} ({era})", self.tenants[tenant].subject);
                let seed = seed.wrapping_mul(1_000).wrapping_add(clients.len() as u64);
                clients.push(Client::new(&self.desk, name, tenant, legacy, seed));
            }
        }
        clients
    }

    /// The three ledgers, but for the faults.
    ///
    /// # Errors
    /// An audit log cannot be read.
    pub async fn ledgers(&self) -> anyhow::Result<Ledgers> {
        let (begun, calls) = self.desk.ledger();
        let tenants = self.tenants.iter().map(|tenant| tenant.namespace.name.clone()).collect();
        let runs = self.servers.runs();
        let mut ledgers = Ledgers { tenants, servers: Servers::places(), begun, calls, runs, ..Ledgers::default() };
        let fleet = self.fleet.lock().await;
        for gateway in 0..GATEWAYS {
            ledgers.read_audit(gateway, &std::fs::read_to_string(fleet.audit_log(gateway))?);
        }
        Ok(ledgers)
    }
}

async fn tenants(cluster: &Cluster, servers: &Servers, issuer: &Issuer) -> anyhow::Result<Vec<Tenant>> {
    let (places, urls) = (Servers::places(), servers.urls());
    let mut namespaces = Vec::new();
    for (name, _) in TENANTS {
        namespaces.push(Namespace::new(cluster, name).await?);
    }
    let paths: Vec<String> = namespaces.iter().map(|namespace| namespace.path("eng")).collect();
    let tenants = namespaces.into_iter().enumerate().map(|(number, namespace)| {
        let own = |(place, _): &(&Place, &String)| place.tenant == number;
        let servers = places.iter().zip(&urls).filter(own).map(|(place, url)| (place.name.clone(), url.clone()));
        Tenant {
            namespace,
            subject: TENANTS[number].1,
            servers: servers.collect(),
            others_path: paths[(number + 1) % TENANTS.len()].clone(),
            authentication: Tenant::authentication(issuer),
        }
    });
    Ok(tenants.collect())
}
