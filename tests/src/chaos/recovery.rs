//! What must be so after the last fault: one configuration on every gateway, told in every object's status, and calls that go through.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    claims::Claim,
    edits::Edit,
    scene::Scene,
    schedule::{GATEWAYS, OPERATORS},
};
use crate::{eventually::found_within, namespace::condition, request::Request};

/// How soon after the last fault.
const SOON: Duration = Duration::from_secs(5);
/// How long it is waited for, so that what comes late is told how late.
const PATIENCE: Duration = Duration::from_secs(40);

/// Waits for all of it, in this order: first what must follow the last fault, which was over at `over`, then what must follow an edit.
///
/// # Errors
/// The API server does not answer, although nothing is done to it any more.
pub async fn recovery(scene: &Scene, over: Instant) -> anyhow::Result<Vec<Claim>> {
    for tenant in &scene.tenants {
        tenant.settle().await;
    }
    let mut final_state = Vec::new();
    for tenant in &scene.tenants {
        let route = tenant.namespace.get("McpRoute", "eng").await?;
        final_state.push((format!("{}/eng", tenant.namespace.name), route["metadata"]["generation"].as_i64()));
    }
    let admins = admins(scene).await;
    let converged = until(over, async || one_configuration(&admins.gateways, &final_state).await).await;
    let served = until(over, async || served(scene, &admins).await).await;
    let programmed = programmed(scene).await?;
    let mut failures = Vec::new();
    for mut client in scene.clients(1) {
        failures.extend(client.calls_everything().await);
    }
    Ok(vec![
        timely("every gateway has the same content", converged),
        timely("one operator has every gateway", served),
        programmed,
        Claim {
            what: "then every client is served everywhere",
            figure: format!("{} calls failed", failures.len()),
            offences: failures,
        },
    ])
}

/// Where to ask whom.
struct Admins {
    operators: Vec<SocketAddr>,
    gateways: Vec<SocketAddr>,
}

async fn admins(scene: &Scene) -> Admins {
    let fleet = scene.fleet.lock().await;
    Admins {
        operators: (0..OPERATORS).map(|number| fleet.operators[number].running().at.admin).collect(),
        gateways: (0..GATEWAYS).map(|number| fleet.gateways[number].running().at.admin).collect(),
    }
}

/// How long it took since then until there was nothing left to wait for, and what there still was at the end of all patience.
async fn until(began: Instant, mut look: impl AsyncFnMut() -> Result<(), String>) -> Result<Duration, String> {
    let mut missing = String::new();
    let looked = found_within(PATIENCE.saturating_sub(began.elapsed()), async || match look().await {
        Ok(()) => Some(()),
        Err(still) => {
            missing = still;
            None
        }
    });
    match looked.await {
        Some(()) => Ok(began.elapsed()),
        None => Err(missing),
    }
}

fn timely(what: &'static str, waited: Result<Duration, String>) -> Claim {
    match waited {
        Ok(took) => {
            let late = (took > SOON).then(|| format!("it took {took:.2?}, and may take {SOON:?}"));
            Claim { what, figure: format!("{took:.2?}"), offences: late.into_iter().collect() }
        }
        Err(missing) => Claim { what, figure: format!("not in {PATIENCE:?}"), offences: vec![missing] },
    }
}

/// Whether every gateway follows an operator, has the same content, and has what was edited last.
async fn one_configuration(gateways: &[SocketAddr], final_state: &[(String, Option<i64>)]) -> Result<(), String> {
    let mut configurations = Vec::new();
    for gateway in gateways {
        configurations.push(config(*gateway).await?);
    }
    let short =
        |config: &Value| format!("{} from {} in epoch {}", config["snapshot"], config["source"], config["epoch"]);
    let all: Vec<String> = configurations.iter().map(short).collect();
    if configurations
        .iter()
        .any(|config| config["source"] != "Stream" || config["snapshot"] != configurations[0]["snapshot"])
    {
        return Err(format!("the gateways have {all:?}"));
    }
    let routes = configurations[0]["routes"].as_array().cloned().unwrap_or_default();
    for (name, generation) in final_state {
        let found = routes.iter().find(|route| route["name"] == name.as_str());
        if found.and_then(|route| route["generation"].as_i64()) != *generation {
            return Err(format!("{name} should be of generation {generation:?}, and the gateways have {found:?}"));
        }
    }
    Ok(())
}

/// Whether one operator holds the lease, and counts all gateways as its own.
async fn served(scene: &Scene, admins: &Admins) -> Result<(), String> {
    let mut holders = 0;
    for operator in &admins.operators {
        holders += usize::from(config(*operator).await?["tenure"] == "Holder");
    }
    let counted = scene.fleet.lock().await.operator_metric("portolan_operator_gateways").await.unwrap_or_default();
    if holders == 1 && (counted - GATEWAYS as f64).abs() < 0.5 {
        return Ok(());
    }
    Err(format!("{holders} operators hold the lease, and {counted} gateways are counted"))
}

async fn config(admin: SocketAddr) -> Result<Value, String> {
    let reply = Request::get("/config").send(admin).await.map_err(|error| format!("{admin}: {error:#}"))?;
    serde_json::from_slice(&reply.body).map_err(|error| format!("{admin}: {error}"))
}

/// A generation of every object that was edited with everybody there is in force on every gateway.
async fn programmed(scene: &Scene) -> anyhow::Result<Claim> {
    let what = "then every object is Programmed on all gateways";
    let objects: Vec<_> = scene
        .tenants
        .iter()
        .flat_map(|tenant| tenant.objects_again().into_iter().map(move |object| (tenant, object)))
        .collect();
    for (tenant, object) in &objects {
        tenant.make_surely(&Edit::Apply(object.clone())).await;
    }
    let waited = until(Instant::now(), async || {
        for (tenant, object) in &objects {
            let (kind, name) =
                (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default());
            let stored = tenant.namespace.get(kind, name).await.map_err(|error| format!("{kind} {name}: {error:#}"))?;
            let found = condition(&stored, "Programmed").cloned().unwrap_or_default();
            let current = found["observedGeneration"] == stored["metadata"]["generation"];
            let all = found["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(&format!("{GATEWAYS}/{GATEWAYS} gateway pods")));
            if found["status"] != "True" || !current || !all {
                return Err(format!("{}/{name} ({kind}) says {found}", tenant.namespace.name));
            }
        }
        Ok(())
    })
    .await;
    let mut claim = timely(what, waited);
    claim.figure = format!("{} objects, {}", objects.len(), claim.figure);
    Ok(claim)
}
