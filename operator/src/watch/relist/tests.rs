use k8s_openapi::api::core::v1::Service;
use serde_json::json;

use super::*;

fn service(name: &str) -> Stored<Service> {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "shop"}})).unwrap()
}

fn names(change: Option<Change>) -> Vec<String> {
    let Some(Change::Replace(objects)) = change else { panic!("{change:?} replaces nothing") };
    objects.iter().map(|object| object.key().key.name).collect()
}

#[test]
fn a_list_is_one_replacement_at_its_end() {
    let mut relist = Relist::default();
    assert!(relist.take(Event::<Stored<Service>>::Init).is_none());
    assert!(relist.take(Event::InitApply(service("a"))).is_none());
    assert!(relist.take(Event::InitApply(service("b"))).is_none());
    assert_eq!(names(relist.take(Event::<Stored<Service>>::InitDone)), ["a", "b"]);
}

#[test]
fn a_list_that_begins_again_forgets_the_pages_it_had() {
    let mut relist = Relist::default();
    relist.take(Event::<Stored<Service>>::Init);
    relist.take(Event::InitApply(service("vanished")));
    relist.take(Event::<Stored<Service>>::Init);
    relist.take(Event::InitApply(service("b")));
    assert_eq!(names(relist.take(Event::<Stored<Service>>::InitDone)), ["b"]);
    relist.take(Event::<Stored<Service>>::Init);
    assert!(names(relist.take(Event::<Stored<Service>>::InitDone)).is_empty());
}

#[test]
fn what_comes_after_the_list_passes_at_once() {
    let mut relist = Relist::default();
    assert!(matches!(relist.take(Event::Apply(service("a"))), Some(Change::Apply(_))));
    let Some(Change::Delete(key)) = relist.take(Event::Delete(service("a"))) else { panic!("no deletion") };
    assert_eq!(key.to_string(), "Service shop/a");
}

#[test]
fn a_malformed_service_is_passed_over() {
    let malformed = serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": 7})).unwrap();
    assert!(Relist::default().take(Event::Apply::<Stored<Service>>(malformed)).is_none());
}
