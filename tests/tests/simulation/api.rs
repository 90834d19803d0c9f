//! The API server: objects with versions and generations, their history for whoever watches, and the lease. It judges nothing but versions.

use std::collections::BTreeMap;

use portolan_operator::lease::{
    Lease, TERM,
    candidate::{Answer, Call},
};
use portolan_operator::object::{Key, Object, ObjectKey, ObjectKind};
use portolan_operator::status::Update;
use serde_json::{Value, json};

/// The one namespace that there is.
pub const NAMESPACE: &str = "shop";

#[derive(Default)]
pub struct Api {
    objects: BTreeMap<ObjectKey, Value>,
    /// Whether the operator may read the namespace's Secrets.
    pub granted: bool,
    pub history: Vec<Note>,
    pub lease: Option<Lease>,
    version: u64,
    /// How many statuses were written.
    pub statuses: u64,
}

/// One change, as a watch tells of it.
#[derive(Clone)]
pub enum Note {
    Applied(Box<Object>),
    Deleted(ObjectKey),
    Granted(bool),
}

/// What became of a status.
pub enum Written {
    /// With the version that it has made.
    Yes(String),
    Conflict,
    Gone,
}

pub fn key(kind: ObjectKind, name: &str) -> ObjectKey {
    ObjectKey::new(kind, Key::new(NAMESPACE, name))
}

pub fn read(value: Value) -> Object {
    Object::read(value).expect("it has a kind and a name")
}

impl Api {
    /// Somebody applies an object: a generation of its own, and the status stays.
    pub fn edit(&mut self, mut object: Value) {
        self.version += 1;
        let key = read(object.clone()).key();
        let before = self.objects.get(&key);
        let uid = before.map_or_else(|| json!(format!("uid-{}", self.version)), |old| old["metadata"]["uid"].clone());
        object["metadata"]["uid"] = uid;
        object["metadata"]["namespace"] = json!(NAMESPACE);
        object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if let Some(status) = before.and_then(|old| old.get("status")) {
            object["status"] = status.clone();
        }
        self.note(key, object);
    }

    pub fn delete(&mut self, key: &ObjectKey) {
        if self.objects.remove(key).is_some() {
            self.history.push(Note::Deleted(key.clone()));
        }
    }

    pub fn grant(&mut self, granted: bool) {
        if granted != self.granted {
            self.granted = granted;
            self.history.push(Note::Granted(granted));
        }
    }

    pub fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(key)
    }

    /// All objects of a kind: Secrets only for whoever may read them.
    pub fn list(&self, kind: ObjectKind) -> Vec<Object> {
        let of =
            self.objects.iter().filter(|(key, _)| key.kind == kind && (kind != ObjectKind::Secret || self.granted));
        of.map(|(_, value)| read(value.clone())).collect()
    }

    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Value)> {
        self.objects.iter()
    }

    /// A status over the version that it was made for.
    pub fn write_status(&mut self, update: &Update, over: Option<&str>) -> Written {
        let Some(object) = self.objects.get(&update.object) else { return Written::Gone };
        if update.uid.as_deref() != object["metadata"]["uid"].as_str() {
            return Written::Conflict;
        }
        if over.is_some_and(|over| object["metadata"]["resourceVersion"].as_str() != Some(over)) {
            return Written::Conflict;
        }
        self.version += 1;
        self.statuses += 1;
        let (version, mut object) = (self.version.to_string(), object.clone());
        object["status"] = update.status.clone();
        object["metadata"]["resourceVersion"] = json!(version);
        self.note(update.object.clone(), object);
        Written::Yes(version)
    }

    /// A call about the lease: a write that expects another version is refused.
    pub fn keep_lease(&mut self, call: Call) -> Answer {
        let draft = match call {
            Call::Read => return Answer::Seen(self.lease.clone()),
            Call::Write(draft) => draft,
        };
        if draft.over != self.lease.as_ref().map(|lease| lease.version.clone()) {
            return Answer::Conflict;
        }
        self.version += 1;
        let lease = Lease { holder: draft.holder, epoch: draft.epoch, term: TERM, version: self.version.to_string() };
        self.lease = Some(lease.clone());
        Answer::Written(lease)
    }

    fn note(&mut self, key: ObjectKey, object: Value) {
        self.history.push(Note::Applied(Box::new(read(object.clone()))));
        self.objects.insert(key, object);
    }
}
