//! The index: plain maps of every object by kind, and what an event makes dirty. No client, no clock, no await.
//!
//! It holds facts. What they mean is `translate`'s to say.

pub mod claims;
pub mod edges;
pub mod references;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{
    core::v1::{Secret, Service},
    discovery::v1::EndpointSlice,
};
use portolan_config::{Kind, Name, proto::Report};
use portolan_crds::{McpPolicy, McpRoute, McpServer, policy::TargetRef};

use self::{
    claims::Claims,
    references::{Node, References},
};
use crate::{
    object::{Key, Object, ObjectKey, ObjectKind, Stored},
    settings::{SecretAccess, Settings},
};

/// What a namespace's owner lets us read of its Secrets. Absent: not asked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Nothing.
    Denied,
    /// All, and the referenced ones are listed.
    Listed,
}

/// What changed since the last publication.
#[derive(Debug, Default)]
pub struct Dirty {
    /// Objects (and referenced Secrets) to translate.
    pub objects: BTreeSet<ObjectKey>,
    /// Those of them that somebody edited; the others read something that changed.
    pub edited: BTreeSet<ObjectKey>,
    /// Servers whose catalogue is to be made again.
    pub catalogues: BTreeSet<Key>,
    /// Whether what all gateways share changed.
    pub fleet: bool,
    /// Whether servers or gateways came or went.
    pub assignments: bool,
    /// Whether other Secrets are referenced than before.
    pub secrets: bool,
}

impl Dirty {
    /// Whether nothing is to be translated.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.objects.is_empty() && self.catalogues.is_empty() && !self.fleet && !self.assignments
    }
}

/// Everything that translation may look at.
#[derive(Debug)]
pub struct World {
    /// What the operator works by.
    pub settings: Settings,
    /// Gateways that serve now: connected and not about to leave.
    pub gateways: BTreeSet<String>,
    /// Sessions that were ended before their time: hash of the sealed id, and when it expires (seconds since 1970).
    pub ended: BTreeMap<bytes::Bytes, i64>,
    /// The newest report on each server.
    pub reports: BTreeMap<Key, Report>,
    /// Servers, by key.
    pub servers: BTreeMap<Key, Stored<McpServer>>,
    /// Routes, by key.
    pub routes: BTreeMap<Key, Stored<McpRoute>>,
    /// Policies, by key.
    pub policies: BTreeMap<Key, Stored<McpPolicy>>,
    /// What policies hold by what is in force of them.
    pub claims: Claims,
    services: BTreeMap<Key, Service>,
    slices: BTreeMap<Key, EndpointSlice>,
    slices_of: BTreeMap<Key, BTreeSet<Key>>,
    secrets: BTreeMap<Key, Secret>,
    grants: BTreeMap<String, Grant>,
    references: References,
}

/// Label of an EndpointSlice that names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl World {
    /// Kinds whose first list must be done before anything is published.
    pub const LISTED: [ObjectKind; 5] = [
        ObjectKind::McpServer,
        ObjectKind::McpRoute,
        ObjectKind::McpPolicy,
        ObjectKind::Service,
        ObjectKind::EndpointSlice,
    ];

    /// A world without objects.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            gateways: BTreeSet::new(),
            ended: BTreeMap::new(),
            reports: BTreeMap::new(),
            servers: BTreeMap::new(),
            routes: BTreeMap::new(),
            policies: BTreeMap::new(),
            claims: Claims::default(),
            services: BTreeMap::new(),
            slices: BTreeMap::new(),
            slices_of: BTreeMap::new(),
            secrets: BTreeMap::new(),
            grants: BTreeMap::new(),
            references: References::default(),
        }
    }

    // === Events ===

    /// An object is new or different; `dirty` gets whatever may read otherwise now.
    pub fn apply(&mut self, object: Object, dirty: &mut Dirty) {
        let key = object.key();
        match object {
            Object::Server(server) => {
                let same = same(self.servers.get(&key.key), &server, |a, b| a.spec == b.spec);
                let nodes = server.valid().map(|server| edges::of_server(&key.key, server));
                let new = self.servers.insert(key.key.clone(), *server).is_none();
                self.changed(&key, same, new, nodes, dirty);
            }
            Object::Route(route) => {
                let same = same(self.routes.get(&key.key), &route, |a, b| a.spec == b.spec);
                let nodes = route.valid().map(|route| edges::of_route(&key.key, route, &self.settings));
                let new = self.routes.insert(key.key.clone(), *route).is_none();
                self.changed(&key, same, new, nodes, dirty);
            }
            Object::Policy(policy) => {
                let same = same(self.policies.get(&key.key), &policy, |a, b| a.spec == b.spec);
                let nodes = match &*policy {
                    Stored::Valid(policy) => Some(edges::of_policy(&key.key, policy)),
                    Stored::Malformed(policy) => self.still_named(&key, &policy.targets),
                };
                let new = self.policies.insert(key.key.clone(), *policy).is_none();
                self.changed(&key, same, new, nodes, dirty);
            }
            Object::Service(service) => {
                let before = self.services.insert(key.key.clone(), *service);
                if before.is_none_or(|before| before.spec != self.services[&key.key].spec) {
                    self.referrers_dirty(&key, dirty);
                }
            }
            Object::Slice(slice) => self.apply_slice(key.key, *slice, dirty),
            Object::Secret(secret) => {
                let before = self.secrets.insert(key.key.clone(), *secret);
                if before.is_none_or(|before| data_differs(&before, &self.secrets[&key.key])) {
                    self.secret_dirty(key, dirty);
                }
            }
        }
    }

    /// An object is gone.
    pub fn delete(&mut self, key: &ObjectKey, dirty: &mut Dirty) {
        let was_there = match key.kind {
            ObjectKind::McpServer => self.servers.remove(&key.key).is_some(),
            ObjectKind::McpRoute => self.routes.remove(&key.key).is_some(),
            ObjectKind::McpPolicy => self.policies.remove(&key.key).is_some(),
            ObjectKind::Service => {
                if self.services.remove(&key.key).is_some() {
                    self.referrers_dirty(key, dirty);
                }
                false
            }
            ObjectKind::EndpointSlice => {
                self.remove_slice(&key.key, dirty);
                false
            }
            ObjectKind::Secret => {
                if self.secrets.remove(&key.key).is_some() {
                    self.secret_dirty(key.clone(), dirty);
                }
                false
            }
        };
        if was_there {
            if key.kind == ObjectKind::McpServer {
                self.reports.remove(&key.key);
            }
            self.changed(key, false, true, Some(BTreeSet::new()), dirty);
        }
    }

    /// What a namespace's owner lets us read of its Secrets. A denial drops what was read.
    pub fn set_grant(&mut self, namespace: &str, grant: Grant, dirty: &mut Dirty) {
        if self.grants.insert(namespace.to_owned(), grant) == Some(grant) {
            return;
        }
        if grant == Grant::Denied {
            self.secrets.retain(|key, _| key.namespace != namespace);
        }
        let concerned: Vec<Key> =
            self.references.secrets().filter(|secret| secret.namespace == namespace).cloned().collect();
        for secret in concerned {
            self.secret_dirty(ObjectKey::new(ObjectKind::Secret, secret), dirty);
        }
    }

    /// Forgets grants of namespaces that hold no reference any more.
    pub fn forget_grants(&mut self, forgotten: impl Fn(&str) -> bool) {
        self.grants.retain(|namespace, _| !forgotten(namespace));
        self.secrets.retain(|key, _| !forgotten(&key.namespace));
    }

    // === Questions ===

    /// The keys of all objects of a kind.
    #[must_use]
    pub fn keys(&self, kind: ObjectKind) -> Vec<ObjectKey> {
        fn all<V>(kind: ObjectKind, map: &BTreeMap<Key, V>) -> Vec<ObjectKey> {
            map.keys().map(|key| ObjectKey::new(kind, key.clone())).collect()
        }
        match kind {
            ObjectKind::McpServer => all(kind, &self.servers),
            ObjectKind::McpRoute => all(kind, &self.routes),
            ObjectKind::McpPolicy => all(kind, &self.policies),
            ObjectKind::Service => all(kind, &self.services),
            ObjectKind::EndpointSlice => all(kind, &self.slices),
            ObjectKind::Secret => all(kind, &self.secrets),
        }
    }

    /// Whether the object exists, malformed or not.
    #[must_use]
    pub fn contains(&self, key: &ObjectKey) -> bool {
        match key.kind {
            ObjectKind::McpServer => self.servers.contains_key(&key.key),
            ObjectKind::McpRoute => self.routes.contains_key(&key.key),
            ObjectKind::McpPolicy => self.policies.contains_key(&key.key),
            ObjectKind::Service => self.services.contains_key(&key.key),
            ObjectKind::EndpointSlice => self.slices.contains_key(&key.key),
            ObjectKind::Secret => self.secrets.contains_key(&key.key),
        }
    }

    /// The Service at `key`.
    #[must_use]
    pub fn service(&self, key: &Key) -> Option<&Service> {
        self.services.get(key)
    }

    /// The slices of the Service at `key`.
    pub fn slices(&self, service: &Key) -> impl Iterator<Item = &EndpointSlice> {
        self.slices_of.get(service).into_iter().flatten().filter_map(|slice| self.slices.get(slice))
    }

    /// The Secret at `key`.
    #[must_use]
    pub fn secret(&self, key: &Key) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// Whether Secrets of `namespace` may be read; `None`: not known yet.
    #[must_use]
    pub fn grant(&self, namespace: &str) -> Option<Grant> {
        match self.settings.secrets {
            SecretAccess::Files => Some(Grant::Listed),
            SecretAccess::ByGrant => self.grants.get(namespace).copied(),
        }
    }

    /// Whether nothing tells what the policy at `key` is about: it cannot be read, and nothing of it could before.
    #[must_use]
    pub fn may_mean_anything(&self, key: &Key) -> bool {
        let malformed = self.policies.get(key).is_some_and(|policy| policy.valid().is_none());
        let policy = ObjectKey::new(ObjectKind::McpPolicy, key.clone());
        let is_target = |node: &Node| matches!(node, Node::Object(target) if target.kind.is_target());
        malformed && !self.references.of(&policy).any(is_target)
    }

    /// Whether it is known of every namespace that holds a reference whether it may be read, and the readable ones are listed.
    #[must_use]
    pub fn grants_settled(&self) -> bool {
        self.references.secrets().all(|secret| self.grant(&secret.namespace).is_some())
    }

    /// Who names whom.
    #[must_use]
    pub fn references(&self) -> &References {
        &self.references
    }

    /// The objects of `kind` that name the object `target`.
    pub fn referrers(&self, kind: ObjectKind, target: &ObjectKey) -> impl Iterator<Item = &Key> {
        let referrers: Vec<&Key> = self
            .references
            .to(&Node::Object(target.clone()))
            .filter(|referrer| referrer.kind == kind)
            .map(|referrer| &referrer.key)
            .collect();
        referrers.into_iter()
    }

    /// The policies that are on a target, or would be.
    pub fn rivals(&self, target: &Name) -> BTreeSet<&Key> {
        let kind = match target.kind() {
            Kind::Route => ObjectKind::McpRoute,
            _ => ObjectKind::McpServer,
        };
        let object = ObjectKey::new(kind, Key::new(target.namespace(), target.name()));
        self.claims.on(target).chain(self.referrers(ObjectKind::McpPolicy, &object)).collect()
    }

    // === Dirt ===

    /// One of our objects changed: it, its rivals, and (if it came or went) whoever names it are dirty. A malformed object keeps its edges.
    fn changed(
        &mut self,
        key: &ObjectKey,
        same: bool,
        existence: bool,
        nodes: Option<BTreeSet<Node>>,
        dirty: &mut Dirty,
    ) {
        if same {
            return;
        }
        dirty.objects.insert(key.clone());
        dirty.edited.insert(key.clone());
        if let Some(nodes) = nodes {
            let before = self.references.set(key, nodes.clone());
            for node in before.union(&nodes).filter(|node| contended(key.kind, node)) {
                let rivals = self.references.to(node).filter(|rival| rival.kind == key.kind);
                dirty.objects.extend(rivals.cloned());
                // A target tells which policies affect it.
                if let Node::Object(target) = node
                    && self.contains(target)
                {
                    dirty.objects.insert(target.clone());
                }
            }
            for node in before.symmetric_difference(&nodes) {
                if let Node::Object(secret) = node
                    && secret.kind == ObjectKind::Secret
                {
                    dirty.objects.insert(secret.clone());
                    dirty.secrets = true;
                }
            }
        }
        if existence {
            self.referrers_dirty(key, dirty);
            let namespace = &key.key.namespace;
            let later = self.policies.range(Key::new(namespace, "")..).map(|(policy, _)| policy);
            let same_namespace = later.take_while(|policy| policy.namespace == *namespace);
            let illegible = same_namespace.filter(|policy| self.may_mean_anything(policy));
            dirty.objects.extend(illegible.map(|policy| ObjectKey::new(ObjectKind::McpPolicy, policy.clone())));
            if key.kind == ObjectKind::McpServer {
                dirty.assignments = true;
                dirty.catalogues.insert(key.key.clone());
            }
        }
    }

    fn referrers_dirty(&self, key: &ObjectKey, dirty: &mut Dirty) {
        dirty.objects.extend(self.references.to(&Node::Object(key.clone())).cloned());
    }

    fn secret_dirty(&self, key: ObjectKey, dirty: &mut Dirty) {
        self.referrers_dirty(&key, dirty);
        dirty.objects.insert(key);
    }

    /// What a policy that cannot be read names: what it says legibly, besides what its last readable version named. `None`: nothing new.
    fn still_named(&self, policy: &ObjectKey, targets: &[TargetRef]) -> Option<BTreeSet<Node>> {
        let named = edges::named(&policy.key, targets).map(Node::Object);
        let all: BTreeSet<Node> = named.chain(self.references.of(policy).cloned()).collect();
        (!targets.is_empty()).then_some(all)
    }

    fn apply_slice(&mut self, key: Key, slice: EndpointSlice, dirty: &mut Dirty) {
        let service = service_of(&slice);
        let before = self.slices.get(&key);
        let unchanged = before.is_some_and(|before| {
            before.endpoints == slice.endpoints && before.ports == slice.ports && service_of(before) == service
        });
        if !unchanged {
            self.remove_slice(&key, dirty);
            if let Some(service) = service {
                self.slice_dirty(&service, dirty);
                self.slices_of.entry(service).or_default().insert(key.clone());
            }
        }
        self.slices.insert(key, slice);
    }

    fn remove_slice(&mut self, key: &Key, dirty: &mut Dirty) {
        let Some(service) = self.slices.remove(key).as_ref().and_then(service_of) else { return };
        if let Some(slices) = self.slices_of.get_mut(&service) {
            slices.remove(key);
            if slices.is_empty() {
                self.slices_of.remove(&service);
            }
        }
        self.slice_dirty(&service, dirty);
    }

    fn slice_dirty(&self, service: &Key, dirty: &mut Dirty) {
        self.referrers_dirty(&ObjectKey::new(ObjectKind::Service, service.clone()), dirty);
        dirty.fleet |= self.settings.fleet_service.as_ref() == Some(service);
    }
}

/// Nodes that only one object of a kind can hold: an address of a route, a section of a target of a policy.
fn contended(kind: ObjectKind, node: &Node) -> bool {
    match node {
        Node::Address(..) => true,
        Node::Object(object) => kind == ObjectKind::McpPolicy && object.kind.is_target(),
    }
}

/// Whether an edit left the spec alone, as a status write of our own does.
fn same<K: kube::Resource>(before: Option<&Stored<K>>, after: &Stored<K>, equal: impl Fn(&K, &K) -> bool) -> bool {
    let Some(before) = before else { return false };
    let same_object = before.meta().uid == after.meta().uid && before.meta().generation == after.meta().generation;
    same_object
        && match (before, after) {
            (Stored::Valid(before), Stored::Valid(after)) => equal(before, after),
            (Stored::Malformed(before), Stored::Malformed(after)) => {
                (&before.field, &before.error) == (&after.field, &after.error)
            }
            _ => false,
        }
}

fn data_differs(before: &Secret, after: &Secret) -> bool {
    before.data != after.data || before.string_data != after.string_data
}

fn service_of(slice: &EndpointSlice) -> Option<Key> {
    let name = slice.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    Some(Key::new(Key::of(&slice.metadata).namespace, name))
}

#[cfg(test)]
mod tests;
