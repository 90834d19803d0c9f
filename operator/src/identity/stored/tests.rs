use super::*;
use crate::identity::{Holders, Lifetimes, plan};

const NOW: i64 = 1_800_000_000;

fn settings() -> Settings {
    Settings {
        namespace: "system".to_owned(),
        fleet: "edge".to_owned(),
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        certificates: true,
        lifetimes: Lifetimes::default(),
    }
}

/// All Secrets of a new fleet.
fn secrets() -> Secrets {
    let (settings, mut secrets) = (settings(), Secrets::new());
    while let Some(change) = plan::due(&read(&secrets, &settings).unwrap(), &settings, &Holders::default(), NOW) {
        let kept = read(&secrets, &settings).unwrap();
        let (part, secret) = changed(&secrets, kept, &change, &settings, NOW).unwrap();
        secrets.insert(part, secret);
    }
    secrets
}

#[test]
fn a_new_fleet_has_four_secrets_of_its_own_name() {
    let secrets = secrets();
    let names: Vec<&str> = secrets.values().filter_map(|secret| secret.metadata.name.as_deref()).collect();
    assert_eq!(
        names,
        ["portolan-edge-authority", "portolan-edge-keys", "portolan-edge-operator", "portolan-edge-gateway"]
    );
    for secret in secrets.values() {
        assert_eq!(secret.metadata.namespace.as_deref(), Some("system"));
    }
    for role in [Role::Operator, Role::Gateway] {
        let secret = &secrets[&Part::Certificate(role)];
        assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/tls"));
        let files: Vec<&str> = secret.data.as_ref().unwrap().keys().map(String::as_str).collect();
        assert_eq!(files, ["ca.crt", "tls.crt", "tls.key"], "no authority's private key leaves its own Secret");
    }
}

#[test]
fn the_key_file_is_the_one_that_gateways_read() {
    let file: serde_json::Value = serde_json::from_slice(data(&secrets()[&Part::Keys], KEYS_FILE).unwrap()).unwrap();
    let key = &file["keys"][0];
    assert_eq!(key["state"], "current");
    assert_eq!(key["id"].as_str().unwrap().len(), 8);
    assert_eq!(STANDARD.decode(key["key"].as_str().unwrap()).unwrap().len(), KEY_BYTES);
}

#[test]
fn files_that_somebody_else_has_put_there_are_replaced() {
    let (settings, mut secrets) = (settings(), secrets());
    let part = Part::Certificate(Role::Gateway);
    let data = secrets.get_mut(&part).unwrap().data.as_mut().unwrap();
    data.insert(CERTIFICATE_FILE.to_owned(), ByteString(b"something else".to_vec()));
    let kept = read(&secrets, &settings).unwrap();
    assert!(kept.gateway.is_none() && kept.operator.is_some());
    assert!(matches!(plan::due(&kept, &settings, &Holders::default(), NOW), Some(Change::Issue(Role::Gateway, _))));
}

#[test]
fn a_ring_that_is_none_is_refused_by_name_and_never_overwritten() {
    let settings = settings();
    for (part, name) in [(Part::Keys, KEYS_FILE), (Part::Authorities, AUTHORITY_FILE)] {
        for content in ["", "{}", "[]", r#"{"keys":[],"authorities":[]}"#] {
            let mut secrets = secrets();
            let data = secrets.get_mut(&part).unwrap().data.as_mut().unwrap();
            data.insert(name.to_owned(), ByteString(content.as_bytes().to_vec()));
            let Err(error) = read(&secrets, &settings) else { panic!("{content} was read") };
            assert!(error.to_string().contains(&part.name("edge")), "{error}");
        }
    }
}

#[test]
fn a_ring_that_people_have_made_is_taken_as_it_is() {
    let (settings, mut secrets) = (settings(), secrets());
    let file = br#"{"keys":[{"id":"mine","key":"AAAA","state":"current"}]}"#;
    let data = secrets.get_mut(&Part::Keys).unwrap().data.as_mut().unwrap();
    data.insert(KEYS_FILE.to_owned(), ByteString(file.to_vec()));
    let kept = read(&secrets, &settings).unwrap();
    assert_eq!((kept.keys[0].id.as_str(), kept.keys[0].made), ("mine", 0));
}

#[test]
fn a_change_keeps_the_version_that_it_was_made_of() {
    let (settings, mut secrets) = (settings(), secrets());
    secrets.get_mut(&Part::Keys).unwrap().metadata.resource_version = Some("42".to_owned());
    let kept = read(&secrets, &settings).unwrap();
    let change = Change::Keys(rotation::Step::Make(State::Next));
    let (part, secret) = changed(&secrets, kept, &change, &settings, NOW).unwrap();
    assert_eq!((part, secret.metadata.resource_version.as_deref()), (Part::Keys, Some("42")));
}
