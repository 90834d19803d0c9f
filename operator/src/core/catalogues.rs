//! Catalogues in the log, and what status needs to know of them.

use std::collections::BTreeSet;

use portolan_config::{
    Body, Kind, Name,
    exposure::Hints,
    proto::{Catalogue, Tool},
};
use serde::Deserialize;

use super::Core;
use crate::{
    index::Dirty,
    object::Key,
    translate::{
        self,
        exposure::{Listing, ToolFacts},
    },
};

impl Core {
    /// Makes the catalogues that `dirty` names: with their chunks, in the same step.
    pub(super) fn publish_catalogues(&mut self, dirty: &Dirty, now: i64) {
        for key in &dirty.catalogues {
            let name = Name::new(Kind::Catalogue, &key.namespace, &key.name);
            if !self.world.servers.contains_key(key) {
                self.remove_catalogue(key, &name);
            } else if let Some(report) = self.world.reports.get(key) {
                let previous = self.catalogue(&name);
                let server = name.sibling(Kind::Server);
                if let Some(catalogue) = translate::catalogue(server.as_str(), previous, report, now) {
                    self.put_catalogue(key, name, catalogue);
                }
            } else {
                // A gateway that lists it may be on its way, with the catalogue that an operator before us had.
                self.log.expect(name);
            }
            self.catalogue_due(key);
        }
    }

    fn put_catalogue(&mut self, key: &Key, name: Name, catalogue: Catalogue) {
        if let Some(chunks) = self.chunks.remove(key) {
            let kept: BTreeSet<&Name> = chunks.iter().map(|(name, _)| name).collect();
            let known = self.log.chunks(&key.namespace, &key.name);
            let superfluous: Vec<Name> = known.filter(|chunk| !kept.contains(chunk)).cloned().collect();
            for chunk in superfluous {
                self.log.remove(&chunk);
            }
            for (chunk, body) in chunks {
                self.log.put(chunk, body);
            }
        }
        self.log.put(name, Body::from(catalogue).encode());
        self.read_catalogue(key);
    }

    fn remove_catalogue(&mut self, key: &Key, name: &Name) {
        let chunks: Vec<Name> = self.log.chunks(&key.namespace, &key.name).cloned().collect();
        for chunk in chunks.iter().chain([name]) {
            self.log.remove(chunk);
        }
        self.chunks.remove(key);
        self.listings.remove(key);
    }

    fn catalogue(&self, name: &Name) -> Option<Catalogue> {
        match Body::decode(Kind::Catalogue, &self.log.get(name)?.1) {
            Ok(Body::Catalogue(catalogue)) => Some(catalogue),
            _ => None,
        }
    }

    /// Reads what status counts from the catalogue in the log.
    pub(super) fn read_catalogue(&mut self, key: &Key) {
        let Some(catalogue) = self.catalogue(&Name::new(Kind::Catalogue, &key.namespace, &key.name)) else { return };
        let tools = catalogue.chunks.iter().filter_map(|chunk| self.log.get(&chunk.parse().ok()?));
        let tools = tools.filter_map(|(_, body)| match Body::decode(Kind::Chunk, &body) {
            Ok(Body::Chunk(chunk)) => Some(chunk.tools),
            _ => None,
        });
        let tools = tools.flatten().map(|tool| facts(&tool)).collect();
        self.listings.insert(
            key.clone(),
            Listing { tools, digest: catalogue.digest, facts: catalogue.facts, stale_since: catalogue.stale_since_ms },
        );
        self.catalogue_due(key);
    }
}

/// What a definition says of itself. One that does not parse claims nothing: the gateway has refused it by then.
fn facts(tool: &Tool) -> ToolFacts {
    let definition: Definition = serde_json::from_slice(&tool.definition).unwrap_or_default();
    let claimed = definition.annotations.unwrap_or_default();
    let claimed = Hints {
        read_only: claimed.read_only_hint,
        destructive: claimed.destructive_hint,
        idempotent: claimed.idempotent_hint,
        open_world: claimed.open_world_hint,
    };
    ToolFacts { name: tool.name.clone(), claimed }
}

/// The part of a tool's definition that exposure reads (specification, `Tool`).
#[derive(Default, Deserialize)]
struct Definition {
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
    idempotent_hint: Option<bool>,
    open_world_hint: Option<bool>,
}
