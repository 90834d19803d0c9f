use super::*;

fn options(arguments: &[&str]) -> Options {
    Options::try_parse_from(std::iter::once(&"portolan-operator").chain(arguments)).unwrap()
}

fn parse(arguments: &[&str]) -> Settings {
    options(arguments).settings()
}

#[test]
fn the_fleet_named_default_is_the_default_fleet_unless_told_otherwise() {
    assert!(parse(&[]).default_fleet);
    assert!(!parse(&["--fleet", "edge"]).default_fleet);
    assert!(parse(&["--fleet", "edge", "--default-fleet"]).default_fleet);
    assert!(!parse(&["--default-fleet", "false"]).default_fleet);
}

#[test]
fn a_fleet_service_without_a_namespace_is_in_the_releases_own() {
    let settings = parse(&["--namespace", "mesh", "--fleet-service", "gateways"]);
    assert_eq!(settings.fleet_service, Some(Key::new("mesh", "gateways")));
    assert_eq!(parse(&["--fleet-service", "a/b"]).fleet_service, Some(Key::new("a", "b")));
}

#[test]
fn an_external_url_has_no_trailing_slash() {
    let settings = parse(&["--external-url", "https://mcp.acme.example/"]);
    assert_eq!(settings.external_url.as_deref(), Some("https://mcp.acme.example"));
}

#[test]
fn the_stream_is_encrypted_unless_it_stays_on_the_machine() {
    let identity = |arguments: &[&str]| options(arguments).identity();
    for plain in [&[][..], &["--listen", "[::1]:0"], &["--listen", "127.0.0.9:8090"]] {
        assert_eq!(identity(plain), None, "{plain:?}");
    }
    let own = identity(&["--listen", "0.0.0.0:8090"]).unwrap();
    assert!(own.certificates, "without files they are the operator's own");
    assert!(!identity(&["--listen", "0.0.0.0:8090", "--tls-dir", "/tls"]).unwrap().certificates);
    assert!(!identity(&["--tls-dir", "/tls"]).unwrap().certificates, "on a loopback address too");
}

#[test]
fn the_certificate_names_the_service_or_what_is_said_instead() {
    let names =
        |arguments: &[&str]| options(&[&["--listen", "0.0.0.0:0"], arguments].concat()).identity().unwrap().names;
    let local = ["localhost", "127.0.0.1", "::1"];
    let service = [
        "portolan-operator",
        "portolan-operator.mesh.svc",
        "portolan-operator.mesh.svc.cluster.local",
        "portolan-operator.mesh",
    ];
    assert_eq!(names(&["--namespace", "mesh"]), [&local[..], &service].concat());
    assert_eq!(names(&["--stream-host", "a.example,10.0.0.1"]), [&local[..], &["a.example", "10.0.0.1"]].concat());
}

#[test]
fn an_authority_outlives_its_certificates() {
    let flags = ["--listen", "0.0.0.0:0", "--certificate-lifetime", "1h", "--authority-lifetime", "2h"];
    let lifetimes = options(&flags).identity().unwrap().lifetimes;
    assert_eq!(lifetimes.certificate, Duration::from_hours(1));
    assert_eq!(lifetimes.authority, Duration::from_hours(4));
    for bad in ["0s", "soon", "10ms"] {
        let parsed = Options::try_parse_from(["portolan-operator", "--key-lifetime", bad]);
        assert!(parsed.is_err(), "{bad}");
    }
}
