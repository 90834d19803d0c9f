use serde_json::json;

use super::*;
use crate::{
    fixtures::{key, read, secret},
    object::{Object, ObjectKind},
};

fn of(name: &str) -> Object {
    read(secret(name, json!({"k": "v"})))
}

#[test]
fn of_a_namespaces_secrets_only_those_pass_that_somebody_names() {
    let names: BTreeSet<String> = ["token".to_owned()].into();
    let listed = referenced(Change::Replace(vec![of("other"), of("token"), of("third")]), &names);
    let Some(Change::Replace(kept)) = listed else { panic!("a list goes on") };
    assert_eq!(kept.iter().map(|object| object.key().key.name).collect::<Vec<_>>(), ["token"]);
    assert!(matches!(referenced(Change::Apply(of("token")), &names), Some(Change::Apply(_))));
    assert!(referenced(Change::Apply(of("other")), &names).is_none());
    assert!(matches!(referenced(Change::Delete(key(ObjectKind::Secret, "token")), &names), Some(Change::Delete(_))));
    assert!(referenced(Change::Delete(key(ObjectKind::Secret, "other")), &names).is_none());
}

#[test]
fn each_namespace_is_watched_for_the_names_in_it() {
    let references = [Key::new("shop", "a"), Key::new("shop", "b"), Key::new("scm", "a")].into();
    let watched: Vec<(String, Vec<String>)> = by_namespace(&references)
        .into_iter()
        .map(|(namespace, names)| (namespace, names.into_iter().collect()))
        .collect();
    let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(watched, [("scm".to_owned(), names(&["a"])), ("shop".to_owned(), names(&["a", "b"]))]);
}
