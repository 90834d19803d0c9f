use std::fs;

use super::*;

fn write_pair(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
}

#[test]
fn a_changed_pair_comes_into_force() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "one.example");
    let certificate = Certificate::load(folder.path()).unwrap();
    let before = certificate.current();
    assert!(!certificate.0.refresh().unwrap());
    write_pair(folder.path(), "two.example");
    assert!(certificate.0.refresh().unwrap());
    assert!(!Arc::ptr_eq(&before, &certificate.current()));
}

#[test]
fn a_pair_that_does_not_load_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "one.example");
    let certificate = Certificate::load(folder.path()).unwrap();
    let before = certificate.current();
    fs::write(folder.path().join("tls.key"), "nonsense").unwrap();
    assert!(certificate.0.refresh().is_err());
    assert!(Arc::ptr_eq(&before, &certificate.current()));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Certificate::load(folder.path()).unwrap_err();
    assert!(format!("{error:#}").contains("tls.crt"));
}
