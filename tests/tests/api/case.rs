//! A case: one change to a valid object, and what is said to it: by the API server, and by the operator, which has met no API server in files.

use kube::{
    Api, CustomResourceExt, Resource,
    api::{DynamicObject, PostParams},
    core::ApiResource,
};
use portolan_crds::{GROUP, Reason, VERSION};
use portolan_operator::{
    object::Object,
    translate::{Effect, Problem, check::check},
};
use portolan_tests::cluster::Cluster;
use serde_json::{Value, json};

/// What the API server says of a field that is missing or of a wrong type.
const TYPES: [&str; 2] = ["Required value", "must be of type"];

/// One change to the spec of a valid object.
pub struct Case {
    /// What is changed: `servers.0.name` below `spec`.
    at: &'static str,
    /// Its new value; null removes it.
    value: Value,
    /// Where the API server sees the mistake, and its words; absent if the change is fine.
    refused: Option<(&'static str, &'static str)>,
}

/// The change is fine.
pub fn good(at: &'static str, value: impl Into<Value>) -> Case {
    Case { at, value: value.into(), refused: None }
}

/// The API server refuses the change with `message`, which it puts to the field that is changed.
pub fn bad(at: &'static str, value: impl Into<Value>, message: &'static str) -> Case {
    Case { at, value: value.into(), refused: Some((at, message)) }
}

impl Case {
    /// The mistake shows at another field than the one that is changed.
    pub fn seen_at(mut self, field: &'static str) -> Self {
        self.refused = self.refused.map(|(_, message)| (field, message));
        self
    }

    /// Whether this is what the rule with `message` on the field `path` (without indexes) refuses.
    pub fn refused_by(&self, path: &str, message: &str) -> bool {
        self.refused.is_some_and(|(at, words)| {
            let named =
                parts(at).filter(|part| !is_index(part)).fold("spec".to_owned(), |path, part| path + "." + part);
            words == message && named == path
        })
    }

    /// Whether a rule on the field `path` (without indexes) has something to judge here, and lets it pass.
    pub fn passes(&self, base: &Value, path: &str) -> bool {
        let mut spec = base.clone();
        set(&mut spec, self.at, self.value.clone());
        self.refused.is_none() && has(&json!({"spec": spec}), path)
    }

    /// `servers.0.name` as the API server writes it: `spec.servers[0].name`.
    fn field(at: &str) -> String {
        parts(at).fold("spec".to_owned(), |field, part| {
            if is_index(part) { format!("{field}[{part}]") } else { format!("{field}.{part}") }
        })
    }

    /// The object of this case.
    fn object(&self, kind: &str, base: &Value) -> Value {
        let mut spec = base.clone();
        set(&mut spec, self.at, self.value.clone());
        json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": {"name": "case"}, "spec": spec})
    }

    /// What is wrong with the operator's own judgement, if anything: it must refuse what the API server refuses, there or at a field within, or
    /// at the parent of one that is missing or of a wrong type. What it knows and no schema can say (whether an expression compiles) is left out.
    fn judge_offline(&self, object: Value) -> Option<String> {
        let told = format!("{} = {:.200}", self.at, self.value.to_string());
        let object = match Object::read(object) {
            Ok(object) => object,
            Err(error) => return Some(format!("{told}: {error}")),
        };
        let refused: Vec<Problem> =
            check(vec![object]).into_iter().filter(|problem| problem.effect == Effect::Refused).collect();
        let Some((at, message)) = self.refused else {
            let wrong: Vec<&Problem> = refused.iter().filter(|problem| problem.reason == Reason::Invalid).collect();
            return (!wrong.is_empty()).then(|| format!("{told}: refused: {wrong:?}"));
        };
        let field = Self::field(at);
        let parent = field.rfind(['.', '[']).map_or("", |end| &field[..end]);
        let fits = |problem: &Problem| {
            let rest = problem.field.strip_prefix(&field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                || (problem.field == parent && TYPES.iter().any(|words| message.contains(words)))
        };
        (!refused.iter().any(fits)).then(|| format!("{told}: expected {field}: {message:?}, got {refused:?}"))
    }

    /// What is wrong with the API server's answer, if anything.
    fn judge(&self, answer: Result<DynamicObject, kube::Error>) -> Option<String> {
        let told = format!("{} = {}", self.at, self.value);
        match (answer, self.refused) {
            (Ok(_), None) => None,
            (Ok(_), Some((_, message))) => Some(format!("{told}: accepted, but expected {message:?}")),
            (Err(error), None) => Some(format!("{told}: refused: {error}")),
            (Err(kube::Error::Api(status)), Some((at, message))) => {
                let field = Self::field(at);
                let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
                let fits =
                    |cause: &kube::core::response::StatusCause| cause.field == field && cause.message.contains(message);
                (!causes.iter().any(fits)).then(|| format!("{told}: expected {field}: {message:?}, got {causes:#?}"))
            }
            (Err(error), Some(_)) => Some(format!("{told}: {error}")),
        }
    }
}

/// The names and indexes in `servers.0.name`.
fn parts(at: &str) -> impl Iterator<Item = &str> {
    at.split('.').filter(|part| !part.is_empty())
}

fn is_index(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether something is at `path`, in whatever entry of the lists on the way.
fn has(value: &Value, path: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has(item, path)),
        Value::Null => false,
        _ if path.is_empty() => true,
        object => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            has(&object[first], rest)
        }
    }
}

/// Changes what is at `path`; objects on the way are made.
fn set(value: &mut Value, path: &str, new: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        match (value, new) {
            (Value::Array(list), new) if is_index(path) => list[path.parse::<usize>().expect("an index")] = new,
            (object, Value::Null) => drop(object.as_object_mut().and_then(|object| object.remove(path))),
            (object, new) => object[path] = new,
        }
        return;
    };
    let inner = if is_index(first) { &mut value[first.parse::<usize>().expect("an index")] } else { &mut value[first] };
    set(inner, rest, new);
}

/// Asks the API server about every case, without storing anything, and tells of all that are judged wrongly.
pub async fn run<K: Resource<DynamicType = ()> + CustomResourceExt>(base: &Value, cases: Vec<Case>) {
    let cluster = Cluster::shared().expect("a cluster");
    let client = cluster.client().await.expect("a client");
    cluster.install(&client).await.expect("the CRDs are installed");
    let namespace = cluster.namespace(&client, "api").await.expect("a namespace");
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let dry = PostParams { dry_run: true, ..PostParams::default() };

    let mut wrong = Vec::new();
    for case in cases {
        let object = serde_json::from_value(case.object(&resource.kind, base)).expect("an object");
        wrong.extend(case.judge(api.create(&dry, &object).await));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asks the operator about every case, and tells of all that are judged wrongly.
pub fn run_offline(kind: &str, base: &Value, cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.judge_offline(case.object(kind, base))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
