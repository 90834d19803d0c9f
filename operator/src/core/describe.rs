//! What `/config` and the gauges show. Names, versions and sequences; never a body.

use portolan_config::{Kind, State};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Core;

/// What gauges show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Gateways connected.
    pub gateways: usize,
    /// Resources in force.
    pub resources: usize,
    /// The log's newest sequence.
    pub sequence: u64,
}

impl Core {
    /// What gauges show.
    #[must_use]
    pub fn size(&self) -> Size {
        let resources =
            self.log.iter().filter(|(_, state)| matches!(state, State::Present(_) | State::Held { .. })).count();
        Size { gateways: self.gateways.len(), resources, sequence: self.log.sequence() }
    }

    /// What `/config` shows: `snapshot` is equal where every resource is.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut hash = Sha256::new();
        let mut resources = Vec::new();
        for (name, state) in self.log.iter() {
            let (word, version) = match state {
                State::Present(good) => ("present", Some(good.version)),
                State::Held { good, .. } => ("held", good.as_ref().map(|good| good.version)),
                State::Expected => ("expected", None),
                State::Removed | State::Revoked => continue,
            };
            // Assignments are for one gateway each, and no gateway has them all.
            if name.kind() != Kind::Assignment
                && let Some(version) = version
            {
                hash.update(format!("{name} {version}\n"));
            }
            let version = version.map(|version| version.to_string());
            resources.push(json!({"name": name.as_str(), "version": version, "state": word, "sequence": self.log.changed_at(name)}));
        }
        let gateways: Vec<Value> = self
            .gateways
            .iter()
            .map(|gateway| {
                let rejected: Vec<&str> = gateway.rejected.keys().map(portolan_config::Name::as_str).collect();
                json!({"name": gateway.name, "acknowledged": gateway.acked, "draining": gateway.draining, "rejected": rejected})
            })
            .collect();
        json!({
            "snapshot": hex::encode(hash.finalize()),
            "epoch": self.log.epoch(),
            "sequence": self.log.sequence(),
            "fleet": self.world.settings.fleet,
            "gateways": gateways,
            "resources": resources,
        })
    }
}
