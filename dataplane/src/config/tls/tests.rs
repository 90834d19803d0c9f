use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

/// A folder with a certificate of a new authority; gives the authority's version.
fn write(folder: &Path) -> String {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![]).unwrap().signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.crt"), authority.pem()).unwrap();
    fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    Version::of(authority.der()).to_string()
}

#[test]
fn every_authority_that_is_trusted_is_told_by_its_version() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (write(one.path()), write(two.path()));
    let tls = Tls::load(one.path()).unwrap();
    assert_eq!(tls.current().authorities, [first.as_str()]);
    let both = [one.path(), two.path()].map(|folder| fs::read_to_string(folder.join("ca.crt")).unwrap()).concat();
    fs::write(one.path().join("ca.crt"), both).unwrap();
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.current().authorities, [first, second]);
}

#[test]
fn half_a_rotation_leaves_what_was_in_force() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = write(one.path());
    write(two.path());
    let tls = Tls::load(one.path()).unwrap();
    for name in ["ca.crt", "tls.crt"] {
        fs::copy(two.path().join(name), one.path().join(name)).unwrap();
    }
    assert!(tls.refresh().is_err(), "the key is still that of another certificate");
    assert_eq!(tls.current().authorities, [first]);
    fs::copy(two.path().join("tls.key"), one.path().join("tls.key")).unwrap();
    assert!(tls.refresh().unwrap());
}

#[test]
fn a_file_that_is_missing_or_none_is_named() {
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        fs::write(folder.path().join(name), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
        let error = Tls::load(folder.path()).map(drop).unwrap_err();
        assert!(format!("{error:#}").contains(name), "{error:#}");
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = Tls::load(folder.path()).map(drop).unwrap_err();
        assert!(format!("{error:#}").contains(name), "{error:#}");
    }
}
