//! The operator as others hold it: one core behind one lock that is held for microseconds, and the signals that wake who waits for it.
//!
//! Watches, files and gateways call in; the publisher, the streams and the status writer wait here. No lock is held across an await.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parking_lot::Mutex;
use portolan_config::{
    delta::server::Session,
    proto::{FromGateway, FromOperator, Refused, Subscribe},
};
use tokio::sync::watch;

use crate::{
    clock::{self, Clock},
    core::{Core, Flow, Size, StreamId, Wake},
    identity::Holders,
    index::Grant,
    lease::Tenure,
    object::{Key, Object, ObjectKey, ObjectKind},
    settings::Settings,
    status::{ObjectStatus, Update},
};

/// A handle to one operator; clones are the same one.
#[derive(Clone)]
pub struct Operator(Arc<Shared>);

struct Shared {
    clock: Clock,
    core: Mutex<Core>,
    /// Newest published sequence.
    published: watch::Sender<u64>,
    /// Counts changes that wait to be translated, and those that status waits for.
    dirty: watch::Sender<u64>,
    status: watch::Sender<u64>,
    /// Whether every object's first list is done; and those of Secrets too.
    listed: watch::Sender<bool>,
    settled: watch::Sender<bool>,
    secrets: watch::Sender<BTreeSet<Key>>,
    tenure: watch::Sender<Tenure>,
    /// The highest epoch that a gateway has followed.
    claims: watch::Sender<u64>,
}

impl Operator {
    /// An operator without objects.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::by(clock::system(), settings)
    }

    /// The same by another clock.
    #[must_use]
    pub fn by(clock: Clock, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            clock,
            core: Mutex::new(Core::new(settings)),
            published: watch::Sender::new(0),
            dirty: watch::Sender::new(0),
            status: watch::Sender::new(0),
            listed: watch::Sender::new(false),
            settled: watch::Sender::new(false),
            secrets: watch::Sender::new(BTreeSet::new()),
            tenure: watch::Sender::new(Tenure::Alone),
            claims: watch::Sender::new(0),
        }))
    }

    // === Objects in ===

    /// An object is new or different.
    pub fn apply(&self, object: Object) {
        self.with(|core| core.apply(object, self.now()));
    }

    /// An object is gone.
    pub fn delete(&self, key: &ObjectKey) {
        self.with(|core| core.delete(key, self.now()));
    }

    /// These are all objects of a kind (in one namespace, where one is given): others are gone. Its first list is done.
    pub fn replace(&self, kind: ObjectKind, namespace: Option<&str>, objects: Vec<Object>) {
        self.with(|core| core.replace(kind, namespace, objects, self.now()));
    }

    /// These are all objects there are: what a folder of files holds.
    pub fn replace_all(&self, objects: Vec<Object>) {
        let mut kinds: Vec<(ObjectKind, Vec<Object>)> =
            ObjectKind::ALL.iter().map(|kind| (*kind, Vec::new())).collect();
        for object in objects {
            let kind = object.key().kind;
            if let Some((_, of_kind)) = kinds.iter_mut().find(|(candidate, _)| *candidate == kind) {
                of_kind.push(object);
            }
        }
        self.with(|core| {
            for (kind, objects) in kinds {
                core.replace(kind, None, objects, self.now());
            }
        });
    }

    /// What a namespace's owner lets us read of its Secrets.
    pub fn set_grant(&self, namespace: &str, grant: Grant) {
        self.with(|core| core.set_grant(namespace, grant));
    }

    /// Forgets grants of namespaces that hold no reference any more.
    pub fn forget_grants(&self, forgotten: impl Fn(&str) -> bool) {
        self.with(|core| core.forget_grants(forgotten));
    }

    /// The time passes: what expires does so now.
    pub fn tick(&self) {
        self.with(|core| core.tick(self.now()));
    }

    // === Resources out ===

    /// Translates what is dirty and puts it in force as one step. Returns the log's sequence.
    pub fn publish_now(&self) -> u64 {
        self.with(|core| core.publish(self.now()))
    }

    /// Opens a gateway's stream.
    ///
    /// # Errors
    /// This replica stands by, or the gateway is not of this fleet.
    pub fn subscribe(&self, subscribe: Subscribe) -> Result<Link, Refused> {
        let claim = subscribe.highest_epoch;
        self.0.claims.send_if_modified(|highest| std::mem::replace(highest, claim.max(*highest)) < claim);
        let tenure = self.tenure();
        if !tenure.serves() {
            return Err(tenure.refusal());
        }
        let (id, session) = self.with(|core| core.subscribe(subscribe, self.now()))?;
        Ok(Link { operator: self.clone(), tenure, id, session })
    }

    // === The lease ===

    /// What this replica may do from now on. Before the first word of it there are no others.
    pub fn set_tenure(&self, tenure: Tenure) {
        let before = self.tenure();
        if before.as_str() != tenure.as_str() || before.epoch() != tenure.epoch() {
            tracing::info!(tenure = tenure.as_str(), epoch = tenure.epoch(), "lease");
        }
        // Before anybody is let in: the first step carries the epoch.
        if let Some(epoch) = tenure.epoch().filter(|epoch| before.epoch() != Some(*epoch)) {
            self.with(|core| core.begin_epoch(epoch, self.now()));
        }
        self.0.tenure.send_replace(tenure);
        self.0.status.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What this replica may do.
    #[must_use]
    pub fn tenure(&self) -> Tenure {
        self.0.tenure.borrow().clone()
    }

    /// Wakes with every word about it, renewals too.
    #[must_use]
    pub fn tenures(&self) -> watch::Receiver<Tenure> {
        self.0.tenure.subscribe()
    }

    /// Whether this replica may write status now.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.0.tenure.borrow().writes((self.0.clock)().steady)
    }

    /// The highest epoch that a gateway says it has followed.
    #[must_use]
    pub fn claims(&self) -> watch::Receiver<u64> {
        self.0.claims.subscribe()
    }

    // === What is known ===

    /// What status says, or would say, of every object of ours.
    #[must_use]
    pub fn conditions(&self) -> Vec<ObjectStatus> {
        self.with(|core| core.conditions())
    }

    /// Whether the first lists are done.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.0.settled.borrow()
    }

    /// What `/config` shows.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        let mut shown = self.with(|core| core.describe());
        shown["tenure"] = self.0.tenure.borrow().as_str().into();
        shown
    }

    /// What the fleet's pods hold of its keys and authorities.
    #[must_use]
    pub fn holders(&self) -> Holders {
        self.with(|core| core.holders())
    }

    /// What gauges show.
    #[must_use]
    pub fn size(&self) -> Size {
        self.with(|core| core.size())
    }

    // === Waiting ===

    /// Waits until every kind's first list is done, but for Secrets.
    pub async fn listed(&self) {
        wait_for(&self.0.listed).await;
    }

    /// Waits until every first list is done, those of Secrets too.
    pub async fn settled(&self) {
        wait_for(&self.0.settled).await;
    }

    /// Waits until something is to be translated.
    pub async fn dirtied(&self) {
        let mut dirty = self.0.dirty.subscribe();
        while !self.with(|core| core.is_dirty()) {
            if dirty.changed().await.is_err() {
                return;
            }
        }
    }

    /// Wakes with every published step.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<u64> {
        self.0.published.subscribe()
    }

    /// The Secrets that objects reference, as they change.
    #[must_use]
    pub fn secret_references(&self) -> watch::Receiver<BTreeSet<Key>> {
        self.0.secrets.subscribe()
    }

    /// Wakes when some object's status may have changed.
    #[must_use]
    pub fn status_changes(&self) -> watch::Receiver<u64> {
        self.0.status.subscribe()
    }

    /// The next status that differs from what the API server has; `None`: all are written, or this replica writes none.
    #[must_use]
    pub fn next_update(&self) -> Option<Update> {
        if self.writes() { self.with(|core| core.next_update(self.now())) } else { None }
    }

    /// A status was not written: it is due again.
    pub fn requeue(&self, key: ObjectKey) {
        self.with(|core| core.requeue(key));
    }

    /// Drops what a map has of objects that are gone.
    pub fn retain_known<V>(&self, map: &mut BTreeMap<ObjectKey, V>) {
        self.with(|core| {
            // A map that is not larger than what there is may hold something that is gone, but never much of it: no look at everything each second.
            if map.len() > core.objects() {
                map.retain(|key, _| core.knows(key));
            }
        });
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        (self.0.clock)().wall
    }

    /// Runs `action` on the core and wakes whom it concerns.
    fn with<R>(&self, action: impl FnOnce(&mut Core) -> R) -> R {
        let (result, wake) = {
            let mut core = self.0.core.lock();
            let result = action(&mut core);
            (result, core.take_wake())
        };
        self.wake(wake);
        result
    }

    fn wake(&self, wake: Wake) {
        let shared = &self.0;
        if wake.dirty {
            shared.dirty.send_modify(|count| *count = count.wrapping_add(1));
        }
        if wake.status {
            shared.status.send_modify(|count| *count = count.wrapping_add(1));
        }
        if let Some(sequence) = wake.published {
            shared.published.send_replace(sequence);
        }
        if let Some(secrets) = wake.secrets {
            shared.secrets.send_replace(secrets);
        }
        if wake.listed {
            shared.listed.send_replace(true);
        }
        if wake.settled {
            shared.settled.send_replace(true);
        }
    }
}

async fn wait_for(flag: &watch::Sender<bool>) {
    // The sender is ours, so it cannot be gone.
    let _ = flag.subscribe().wait_for(|done| *done).await;
}

/// One gateway's stream; dropping it takes the gateway off the registry.
pub struct Link {
    operator: Operator,
    /// Under which it was opened.
    tenure: Tenure,
    id: StreamId,
    session: Session,
}

impl Link {
    /// The gateway's name.
    #[must_use]
    pub fn gateway(&self) -> &str {
        self.session.gateway()
    }

    /// Waits until this replica lets the gateway go: somebody else serves it, or may. Gives what it is told.
    pub fn let_go(&self) -> impl Future<Output = Refused> + use<> {
        let (opened, mut tenure) = (self.tenure.clone(), self.operator.tenures());
        async move {
            match tenure.wait_for(|later| opened.ends_under(later)).await {
                Ok(later) => later.refusal(),
                Err(_) => opened.refusal(),
            }
        }
    }

    /// Takes in a message of the gateway, and says whether its stream goes on.
    pub fn receive(&mut self, message: FromGateway) -> Flow {
        let (id, session) = (self.id, &mut self.session);
        let now = self.operator.now();
        self.operator.with(|core| core.receive(id, session, message, now))
    }

    /// The messages that are due.
    #[must_use]
    pub fn poll(&mut self) -> Vec<FromOperator> {
        let (id, session) = (self.id, &mut self.session);
        let now = self.operator.now();
        self.operator.with(|core| core.poll(id, session, now))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        tracing::info!(gateway = self.session.gateway(), "gateway disconnected");
        let now = self.operator.now();
        self.operator.with(|core| core.disconnect(self.id, now));
    }
}
