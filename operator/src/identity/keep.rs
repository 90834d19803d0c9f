//! The edge of identity: follows its Secrets, and writes what is due while this operator holds the lease.
//!
//! Every write names the version that it was made of, so two operators that both believe to hold do no harm: one of them is refused and looks again.

use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::PostParams,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};

use super::{
    Holders, Settings,
    material::{Material, tell},
    now, plan,
    plan::Change,
    role::Role,
    stored::{self, Part, Secrets, Unusable},
};
use crate::{operator::Operator, watch::backoff::Pauses};

/// How often it is asked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// Longest wait for one write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pause after something failed.
const PAUSE: Duration = Duration::from_secs(5);

/// How long an operator serves before it takes the gateways that it sees for all of them: several rounds of a gateway that looks for who serves.
const GATHER: Duration = Duration::from_secs(10);

/// Keeps a fleet's identity until it is dropped. Without the lease nothing is written. `material` gets the operator's own certificate, whoever has
/// written it.
pub async fn keep(client: Client, settings: Settings, operator: Operator, material: watch::Sender<Option<Material>>) {
    let api: Api<Secret> = Api::namespaced(client, &settings.namespace);
    let mut changes = stream::select_all(Part::all(&settings).iter().map(|part| {
        let secret = watch_object(api.clone(), &part.name(&settings.fleet));
        secret.backoff(Pauses::default()).map(|change| (*part, change)).boxed()
    }));
    let mut keeper = Keeper { api, settings, operator, material, secrets: Secrets::new(), told: None };
    let mut unseen: Vec<Part> = Part::all(&keeper.settings).to_vec();
    let mut tenures = keeper.operator.tenures();
    let (mut epoch, mut holding) = (None, Instant::now());
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some((part, change)) = changes.next() => match change {
                Ok(secret) => {
                    unseen.retain(|one| *one != part);
                    keeper.put(part, secret);
                }
                Err(error) => tracing::warn!(secret = part.name(&keeper.settings.fleet), %error, "identity: watch failed, trying again"),
            },
            changed = tenures.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
        }
        let (held, now) = (keeper.operator.tenure(), std::time::Instant::now());
        if !held.writes(now) {
            epoch = None;
        } else if epoch != held.epoch() {
            (epoch, holding) = (held.epoch(), Instant::now());
        }
        if epoch.is_some() && unseen.is_empty() {
            let pods = if holding.elapsed() < GATHER { Holders::default() } else { keeper.operator.holders() };
            if !keeper.act(&pods).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Keeper {
    api: Api<Secret>,
    settings: Settings,
    operator: Operator,
    material: watch::Sender<Option<Material>>,
    secrets: Secrets,
    /// What was said last of what cannot be done.
    told: Option<String>,
}

impl Keeper {
    fn put(&mut self, part: Part, secret: Option<Secret>) {
        let Some(secret) = secret else {
            self.secrets.remove(&part);
            return;
        };
        // What serves stays in force where a Secret is no good.
        if part == Part::Certificate(Role::Operator)
            && let Some(material) = stored::material(&secret)
        {
            tell(&self.material, material);
        }
        self.secrets.insert(part, secret);
    }

    /// Does what is due; false if something failed that may succeed later.
    async fn act(&mut self, pods: &Holders) -> bool {
        loop {
            match self.next(pods) {
                Ok(Some((change, part, secret))) => match self.write(part, secret).await {
                    Ok(written) => {
                        self.told = None;
                        tracing::info!(secret = part.name(&self.settings.fleet), ?change, "identity changed");
                        self.put(part, Some(written));
                    }
                    // Somebody else was faster: the watch brings what they have written.
                    Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => return true,
                    Err(error) => return self.fail(part.name(&self.settings.fleet) + ": " + &error.to_string()),
                },
                Ok(None) => return true,
                Err(error) => return self.fail(error.to_string()),
            }
        }
    }

    fn next(&self, pods: &Holders) -> Result<Option<(Change, Part, Secret)>, Unusable> {
        let kept = stored::read(&self.secrets, &self.settings)?;
        let Some(change) = plan::due(&kept, &self.settings, pods, now()) else { return Ok(None) };
        let (part, secret) = stored::changed(&self.secrets, kept, &change, &self.settings, now())?;
        Ok(Some((change, part, secret)))
    }

    async fn write(&self, part: Part, secret: Secret) -> kube::Result<Secret> {
        let (name, parameters) = (part.name(&self.settings.fleet), PostParams::default());
        let write = async {
            if secret.metadata.resource_version.is_some() {
                self.api.replace(&name, &parameters, &secret).await
            } else {
                self.api.create(&parameters, &secret).await
            }
        };
        let timed_out = |_| kube::Error::Service("no answer".into());
        tokio::time::timeout(PATIENCE, write).await.map_err(timed_out)?
    }

    /// Says once what cannot be done.
    fn fail(&mut self, reason: String) -> bool {
        if self.told.as_ref() != Some(&reason) {
            tracing::error!(reason, "the fleet's identity cannot be kept");
            self.told = Some(reason);
        }
        false
    }
}
