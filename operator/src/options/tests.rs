use super::*;

fn parse(arguments: &[&str]) -> Settings {
    Options::try_parse_from(std::iter::once(&"portolan-operator").chain(arguments)).unwrap().settings()
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
