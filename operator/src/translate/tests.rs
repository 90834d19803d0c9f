use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{
        self, assert_reasons, outcome, policy, remote, route, secret, server, service, slice, translate, with, world,
    },
    index::{Dirty, Grant},
    settings::{SecretAccess, Settings},
};

mod secrets;

const SERVER: ObjectKind = ObjectKind::McpServer;
const ROUTE: ObjectKind = ObjectKind::McpRoute;
const POLICY: ObjectKind = ObjectKind::McpPolicy;

fn put(translation: &Translation, name: &str) -> Body {
    match outcome(translation, name) {
        Outcome::Put(body) => *body,
        other => panic!("{name} is {other:?}: {:#?}", translation.problems),
    }
}

fn put_server(translation: &Translation) -> portolan_config::proto::Server {
    let Body::Server(server) = put(translation, "Server/shop/web") else { panic!("no server") };
    server
}

fn put_route(translation: &Translation, name: &str) -> portolan_config::proto::Route {
    let Body::Route(route) = put(translation, &format!("Route/shop/{name}")) else { panic!("no route") };
    route
}

fn put_policy(translation: &Translation, name: &str) -> portolan_config::proto::Policy {
    let Body::Policy(policy) = put(translation, &format!("Policy/shop/{name}")) else { panic!("no policy") };
    policy
}

// === Servers ===

#[test]
fn a_server_behind_a_service_is_its_authority_and_its_pods() {
    let world = world(vec![server("web"), service("web"), slice("web", &["10.0.0.1", "10.0.0.2"])]);
    let made = translate(&world, SERVER, "web");
    assert_reasons!(made, []);
    let found = put_server(&made);
    assert_eq!((found.authority.as_str(), found.path.as_str(), found.http2), ("web.shop.svc:80", "/mcp", false));
    let health = found.health.unwrap();
    assert_eq!((health.interval_ms, health.timeout_ms, health.max_concurrent), (15_000, 3_000, 0));
    let Body::Endpoints(endpoints) = put(&made, "Endpoints/shop/web") else { panic!("no endpoints") };
    assert_eq!(endpoints.server, "Server/shop/web");
    let places: Vec<_> =
        endpoints.endpoints.iter().map(|one| (one.address.as_str(), one.port, one.zone.as_str())).collect();
    assert_eq!(places, [("10.0.0.1", 8080, "a"), ("10.0.0.2", 8080, "a")]);
}

#[test]
fn a_port_that_says_h2c_is_spoken_to_in_http2() {
    let world = world(vec![
        server("web"),
        with(service("web"), "/spec/ports", json!([{"port": 80, "appProtocol": "kubernetes.io/h2c"}])),
    ]);
    assert!(put_server(&translate(&world, SERVER, "web")).http2);
}

#[test]
fn a_server_without_its_service_is_in_force_without_endpoints() {
    let made = translate(&world(vec![server("web")]), SERVER, "web");
    assert_reasons!(made, [("BackendNotFound", "spec.source.service.name")]);
    assert_eq!(made.problems[0].effect, Effect::Unresolved);
    let Body::Endpoints(endpoints) = put(&made, "Endpoints/shop/web") else { panic!("no endpoints") };
    assert!(endpoints.endpoints.is_empty());
}

#[test]
fn a_port_that_the_service_lacks_is_told_with_those_it_has() {
    let wrong = with(server("web"), "/spec/source/service/port", json!(81));
    let made = translate(&world(vec![wrong, service("web")]), SERVER, "web");
    assert_reasons!(made, [("PortNotFound", "spec.source.service.port")]);
    assert_eq!(made.problems[0].remedy, "its ports are: http (80)");
}

#[test]
fn an_external_name_has_no_endpoints() {
    let made = translate(
        &world(vec![server("web"), with(service("web"), "/spec/type", json!("ExternalName"))]),
        SERVER,
        "web",
    );
    assert_reasons!(made, [("PortNotFound", "spec.source.service.name")]);
}

#[test]
fn a_service_of_another_namespace_is_not_permitted() {
    let foreign = with(server("web"), "/spec/source/service/namespace", json!("bank"));
    assert_reasons!(
        translate(&world(vec![foreign]), SERVER, "web"),
        [("RefNotPermitted", "spec.source.service.namespace")]
    );
}

#[test]
fn a_remote_server_has_no_endpoints_of_its_own() {
    let made = translate(&world(vec![remote("web")]), SERVER, "web");
    let server = put_server(&made);
    assert_eq!(server.authority, "web.example");
    assert_eq!(
        server.remote.map(|remote| (remote.host, remote.port, remote.tls)),
        Some(("web.example".into(), 443, true))
    );
    assert_eq!(outcome(&made, "Endpoints/shop/web"), Outcome::Remove);
}

#[test]
fn a_server_that_cannot_be_compiled_is_held_with_its_endpoints() {
    for (pointer, value, field) in [
        ("/spec/source", json!({}), "spec.source"),
        ("/spec/source", json!({"remote": {"url": "ftp://x"}}), "spec.source.remote.url"),
        ("/spec/source/service/path", json!("mcp"), "spec.source.service.path"),
        ("/spec/source/service/path", json!("/a/../b"), "spec.source.service.path"),
        ("/spec/health", json!({"interval": "soon"}), "spec.health.interval"),
        ("/spec/health", json!({"interval": "10s", "timeout": "20s"}), "spec.health.timeout"),
    ] {
        let made = translate(&world(vec![with(server("web"), pointer, value)]), SERVER, "web");
        assert_eq!(made.problems[0].field, field);
        assert_eq!(made.problems[0].effect, Effect::Refused);
        assert_eq!(outcome(&made, "Server/shop/web"), Outcome::Hold(vec![]), "{field}");
        assert_eq!(outcome(&made, "Endpoints/shop/web"), Outcome::Hold(vec![]));
    }
}

#[test]
fn a_malformed_server_is_held_and_one_that_is_gone_removed() {
    let made = translate(&world(vec![with(server("web"), "/spec/source", json!(7))]), SERVER, "web");
    assert_reasons!(made, [("Invalid", "spec.source")]);
    assert_eq!(outcome(&made, "Server/shop/web"), Outcome::Hold(vec![]));
    assert_eq!(outcome(&translate(&world(vec![]), SERVER, "web"), "Server/shop/web"), Outcome::Remove);
}

// === Routes ===

#[test]
fn a_route_has_its_entries_with_the_prefix_that_is_meant() {
    let entries = json!([
        {"name": "a", "serverRef": {"name": "web"}},
        {"name": "b", "serverRef": {"name": "web"}, "prefix": "", "tools": {
            "exclude": ["delete_*"], "excludeAnnotated": {"destructiveHint": true}, "overrides": [{"name": "x", "as": "y"}]}},
    ]);
    let world = world(vec![server("web"), with(route("r", &[]), "/spec/servers", entries)]);
    let made = translate(&world, ROUTE, "r");
    assert_reasons!(made, []);
    let route = put_route(&made, "r");
    assert_eq!(route.servers.iter().map(|entry| entry.prefix.as_str()).collect::<Vec<_>>(), ["a", ""]);
    assert_eq!(route.servers[1].exclude_annotated.and_then(|hints| hints.destructive_hint), Some(true));
    assert_eq!(route.servers[1].overrides[0].rename.as_deref(), Some("y"));
    assert_eq!(route.aggregation.map(|aggregation| aggregation.stale_for_ms), Some(600_000));
    assert_eq!((route.path.as_str(), route.created, route.generation), ("/r", 1_767_225_600, 1));
}

#[test]
fn an_entry_that_cannot_be_used_costs_the_others_nothing() {
    let entries = json!([
        {"name": "a", "serverRef": {"name": "absent"}},
        {"name": "b", "serverRef": {"name": "web", "namespace": "bank"}},
        {"name": "c", "serverRef": {"name": "web"}},
    ]);
    let world = world(vec![server("web"), with(route("r", &[]), "/spec/servers", entries)]);
    let made = translate(&world, ROUTE, "r");
    assert_reasons!(
        made,
        [
            ("BackendNotFound", "spec.servers[0].serverRef.name"),
            ("RefNotPermitted", "spec.servers[1].serverRef.namespace"),
            ("ServersDropped", "spec.servers"),
        ]
    );
    assert_eq!(put_route(&made, "r").servers.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn the_oldest_route_holds_a_host_and_path() {
    let younger = with(
        with(route("a", &["web"]), "/spec/path", json!("/mcp")),
        "/metadata/creationTimestamp",
        json!("2026-02-01T00:00:00Z"),
    );
    let older = with(route("b", &["web"]), "/spec/path", json!("/mcp"));
    let world = world(vec![server("web"), younger, older]);
    assert_reasons!(translate(&world, ROUTE, "b"), []);
    let made = translate(&world, ROUTE, "a");
    assert_reasons!(made, [("HostPathConflict", "spec.path")]);
    assert_eq!(outcome(&made, "Route/shop/a"), Outcome::Remove);
}

#[test]
fn equally_old_routes_go_by_their_names_and_a_host_that_is_left_is_served() {
    let hosts = |name, hosts| with(with(route(name, &["web"]), "/spec/path", json!("/mcp")), "/spec/hostnames", hosts);
    let world =
        world(vec![server("web"), hosts("a", json!(["x.example"])), hosts("b", json!(["x.example", "y.example"]))]);
    let made = translate(&world, ROUTE, "b");
    assert_reasons!(made, [("HostPathConflict", "spec.hostnames")]);
    assert_eq!(made.problems[0].effect, Effect::Partial);
    assert_eq!(put_route(&made, "b").hostnames, ["y.example"]);
}

#[test]
fn a_route_of_another_fleet_is_not_ours() {
    let made = translate(&world(vec![with(route("r", &["web"]), "/spec/fleet", json!("edge"))]), ROUTE, "r");
    assert_reasons!(made, [("NoFleet", "spec.fleet")]);
    assert_eq!(outcome(&made, "Route/shop/r"), Outcome::Remove);
}

#[test]
fn a_route_that_cannot_be_compiled_is_held() {
    for (pointer, value, field) in [
        ("/spec/path", json!("/.well-known/x"), "spec.path"),
        ("/spec/servers", json!([]), "spec.servers"),
        ("/spec/aggregation", json!({"staleFor": "25h"}), "spec.aggregation.staleFor"),
    ] {
        let made = translate(&world(vec![server("web"), with(route("r", &["web"]), pointer, value)]), ROUTE, "r");
        assert_eq!((made.problems[0].reason.as_str(), made.problems[0].field.as_str()), ("Invalid", field));
        assert_eq!(outcome(&made, "Route/shop/r"), Outcome::Hold(vec![]));
    }
    let twice = translate(&world(vec![server("web"), route("r", &["web", "web"])]), ROUTE, "r");
    assert_reasons!(twice, [("Invalid", "spec.servers")]);
}

#[test]
fn a_route_that_nobody_may_call_is_told_with_the_line_that_opens_it() {
    let settings = Settings { open_without_authentication: false, ..fixtures::files() };
    let objects = || vec![remote("web"), route("r", &["web"])];
    let made = translate(&fixtures::world_by(settings.clone(), objects()), ROUTE, "r");
    assert_reasons!(made, [("NoAuthentication", "")]);
    assert!(made.problems[0].remedy.contains("anonymous: true"));
    let mut opened = objects();
    opened.push(policy("p", "r", json!({"authentication": {"anonymous": true}})));
    assert_reasons!(translate(&fixtures::world_by(settings, opened), ROUTE, "r"), []);
}

// === Policies ===

fn attached(policy: &portolan_config::proto::Policy) -> Vec<(String, Vec<i32>)> {
    policy.attachments.iter().map(|one| (one.target.clone(), one.sections.clone())).collect()
}

fn allow(when: &str) -> Value {
    json!({"authorization": {"rules": [{"name": "r", "action": "Allow", "when": when}]}})
}

#[test]
fn a_policy_is_attached_to_its_targets_with_its_sections() {
    let sections = json!({
        "mode": "Audit",
        "authentication": {"anonymous": true},
        "authorization": {"default": "Allow"},
        "rateLimits": [{"name": "l", "key": ["identity.subject"], "requests": 60, "window": "1m"}],
        "limits": {"requestBytes": "1Mi"},
    });
    let targets = json!([{"kind": "McpRoute", "name": "r"}, {"kind": "McpServer", "name": "web"}]);
    let world =
        world(vec![remote("web"), route("r", &["web"]), with(policy("p", "r", sections), "/spec/targetRefs", targets)]);
    let made = translate(&world, POLICY, "p");
    assert_reasons!(made, []);
    let policy = put_policy(&made, "p");
    let expected = [("Route/shop/r".to_owned(), vec![1, 2, 3, 4]), ("Server/shop/web".to_owned(), vec![2, 3, 4])];
    assert_eq!(attached(&policy), expected, "a server has no authentication of its own");
    assert_eq!(policy.mode(), portolan_config::proto::Mode::Audit);
    let limit = &policy.rate_limits[0];
    assert_eq!((limit.requests, limit.window_ms, limit.burst), (60, 60_000, 60));
    assert_eq!(policy.limits.map(|limits| limits.request_bytes), Some(1 << 20));
}

#[test]
fn a_target_that_does_not_exist_is_told_and_the_others_are_attached() {
    let targets = json!([{"kind": "McpRoute", "name": "absent"}, {"kind": "McpRoute", "name": "r"}]);
    let world = world(vec![
        remote("web"),
        route("r", &["web"]),
        with(policy("p", "r", allow("true || tool.name == 'x'")), "/spec/targetRefs", targets),
    ]);
    let made = translate(&world, POLICY, "p");
    assert_reasons!(made, [("TargetNotFound", "spec.targetRefs[0]")]);
    assert_eq!(made.problems[0].target, Some(fixtures::key(ROUTE, "absent")));
    assert_eq!(attached(&put_policy(&made, "p")), [("Route/shop/r".to_owned(), vec![2])]);
}

#[test]
fn of_two_policies_with_one_section_on_one_target_the_oldest_holds() {
    let older = policy("z", "r", json!({"authorization": {"default": "Allow"}}));
    let younger = policy("a", "r", json!({"authorization": {"default": "Deny"}, "limits": {"requestBytes": "1Mi"}}));
    let younger = with(younger, "/metadata/creationTimestamp", json!("2026-02-01T00:00:00Z"));
    let world = world(vec![remote("web"), route("r", &["web"]), older, younger]);
    assert_reasons!(translate(&world, POLICY, "z"), []);
    let made = translate(&world, POLICY, "a");
    assert_reasons!(made, [("Conflicted", "spec.targetRefs[0]")]);
    assert!(made.problems[0].message.contains("shop/z holds authorization"));
    assert_eq!(attached(&put_policy(&made, "a")), [("Route/shop/r".to_owned(), vec![4])], "its other sections hold");
}

#[test]
fn an_expression_that_does_not_compile_holds_the_policy_and_says_where() {
    let world =
        world(vec![remote("web"), route("r", &["web"]), policy("p", "r", allow("tool.name ==\n  nonsense.member"))]);
    let made = translate(&world, POLICY, "p");
    assert_reasons!(made, [("InvalidExpression", "spec.authorization.rules[0].when")]);
    assert!(made.problems[0].message.starts_with("rule \"r\", line 2, column"), "{}", made.problems[0].message);
    let route = Name::new(Kind::Route, "shop", "r");
    assert_eq!(
        outcome(&made, "Policy/shop/p"),
        Outcome::Hold(vec![route]),
        "with no good version its route fails closed"
    );
}

#[test]
fn a_key_of_a_limit_that_is_no_path_holds_the_policy() {
    let limits = json!({"rateLimits": [{"name": "l", "key": ["identity.shoeSize"], "requests": 1, "window": "1s"}]});
    let made = translate(&world(vec![policy("p", "r", limits)]), POLICY, "p");
    assert_reasons!(made, [("InvalidExpression", "spec.rateLimits[0].key[0]")]);
}

fn jwks(text: &str) -> Value {
    json!({"authentication": {"jwt": [{"issuer": "https://id.example", "jwks": {"inline": text}}]}})
}

#[test]
fn inline_keys_must_be_public_and_complete() {
    let objects = |text: &str| vec![remote("web"), route("r", &["web"]), policy("p", "r", jwks(text))];
    let good = r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]}"#;
    assert_reasons!(translate(&world(objects(good)), POLICY, "p"), []);
    for (bad, word) in [
        ("{", "not JSON"),
        ("{}", "\"keys\""),
        (r#"{"keys": []}"#, "no keys"),
        (r#"{"keys": [{"kty": "oct", "k": "hunter2"}]}"#, "shared secret"),
        (r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "a", "d": "hunter2"}]}"#, "private key"),
        (r#"{"keys": [{"kty": "RSA", "n": "a"}]}"#, "without \"e\""),
        (r#"{"keys": [{"kty": "DSA"}]}"#, "no known kty"),
    ] {
        let made = translate(&world(objects(bad)), POLICY, "p");
        assert_reasons!(made, [("InvalidJwks", "spec.authentication.jwt[0].jwks.inline")]);
        assert!(made.problems[0].message.contains(word), "{}", made.problems[0].message);
        assert!(!made.problems[0].message.contains("hunter2"));
        assert!(matches!(outcome(&made, "Policy/shop/p"), Outcome::Hold(_)));
    }
}

#[test]
fn keys_in_a_secret_are_checked_like_inline_ones() {
    let reference =
        json!({"authentication": {"jwt": [{"issuer": "i", "jwks": {"secretRef": {"name": "keys", "key": "jwks"}}}]}});
    let objects = |keys: Value| {
        vec![remote("web"), route("r", &["web"]), policy("p", "r", reference.clone()), secret("keys", keys)]
    };
    let good = world(objects(json!({"jwks": r#"{"keys": [{"kty": "RSA", "n": "a", "e": "AQAB"}]}"#})));
    assert_reasons!(translate(&good, POLICY, "p"), []);
    assert_reasons!(
        translate(&world(objects(json!({"jwks": "x"}))), POLICY, "p"),
        [("InvalidJwks", "spec.authentication.jwt[0].jwks.secretRef")]
    );
    assert_reasons!(
        translate(&world(objects(json!({}))), POLICY, "p"),
        [("SecretKeyNotFound", "spec.authentication.jwt[0].jwks.secretRef.key")]
    );
}

#[test]
fn published_keys_are_told_as_where_to_ask() {
    let section = |url: &str| {
        let jwt = json!([{"issuer": "https://id.example", "jwks": {"remote": {"url": url}}}]);
        vec![remote("web"), route("r", &["web"]), policy("p", "r", json!({"authentication": {"jwt": jwt}}))]
    };
    let made = translate(&world(section("https://id.example:8443/keys?all")), POLICY, "p");
    assert_reasons!(made, []);
    let asked = put_policy(&made, "p").authentication.and_then(|section| section.jwt[0].jwks.clone());
    let Some(portolan_config::proto::jwt::Jwks::Published(published)) = asked else { panic!("{asked:?}") };
    assert_eq!((published.authority.as_str(), published.path.as_str()), ("id.example:8443", "/keys?all"));
    let asked = published.remote.unwrap();
    assert_eq!((asked.host.as_str(), asked.port, asked.tls), ("id.example", 8443, true));
    for bad in ["id.example/keys", "ftp://id.example/keys", "https://a:b@id.example/", "https://id.example/#one"] {
        let made = translate(&world(section(bad)), POLICY, "p");
        assert_reasons!(made, [("Invalid", "spec.authentication.jwt[0].jwks.remote.url")]);
        assert!(matches!(outcome(&made, "Policy/shop/p"), Outcome::Hold(_)));
    }
}

#[test]
fn a_policy_that_cannot_be_compiled_is_held() {
    for (sections, field) in [
        (json!({"authentication": {}}), "spec.authentication"),
        (json!({"authentication": {"jwt": [{"issuer": "i", "jwks": {}}]}}), "spec.authentication.jwt[0].jwks"),
        (json!({"limits": {"requestBytes": "much"}}), "spec.limits.requestBytes"),
        (json!({"rateLimits": [{"name": "l", "requests": 0, "window": "1m"}]}), "spec.rateLimits[0]"),
    ] {
        let made = translate(&world(vec![policy("p", "r", sections)]), POLICY, "p");
        assert_reasons!(made, [("Invalid", field)]);
        assert!(matches!(outcome(&made, "Policy/shop/p"), Outcome::Hold(_)));
    }
}

#[test]
fn a_malformed_policy_fails_closed_on_all_that_it_may_have_meant() {
    let malformed = with(policy("p", "r", json!({})), "/spec/targetRefs", json!("all"));
    let world = world(vec![remote("web"), route("r", &["web"]), malformed]);
    let made = translate(&world, POLICY, "p");
    assert_reasons!(made, [("Invalid", "spec.targetRefs")]);
    let all = vec![Name::new(Kind::Route, "shop", "r"), Name::new(Kind::Server, "shop", "web")];
    assert_eq!(outcome(&made, "Policy/shop/p"), Outcome::Hold(all));
}

#[test]
fn a_policy_that_says_nothing_legible_is_about_what_its_status_says() {
    let mut malformed = with(policy("p", "r", json!({})), "/spec/targetRefs", json!("all"));
    let ancestor = json!({"group": "portolan.dev", "kind": "McpRoute", "name": "r"});
    malformed["status"] = json!({"ancestors": [{"ancestorRef": ancestor, "controllerName": "portolan.dev/operator"}]});
    let world = world(vec![remote("web"), route("r", &["web"]), route("other", &["web"]), malformed]);
    let named = vec![Name::new(Kind::Route, "shop", "r")];
    assert_eq!(outcome(&translate(&world, POLICY, "p"), "Policy/shop/p"), Outcome::Hold(named));
}

// === What gateways share ===

#[test]
fn the_fleet_counts_connected_gateways_and_ready_pods_once_each() {
    let settings = Settings { fleet_service: Some(Key::new("shop", "gateways")), ..fixtures::files() };
    let mut endpoints = slice("gateways", &["10.0.0.1", "10.0.0.2"]);
    endpoints["endpoints"][0]["targetRef"] = json!({"kind": "Pod", "name": "gateway-0"});
    let mut world = fixtures::world_by(settings, vec![endpoints]);
    assert_eq!(fleet(&world).pods, 2);
    world.gateways = ["gateway-0".to_owned(), "gateway-9".to_owned()].into();
    assert_eq!(fleet(&world).pods, 3);
}

#[test]
fn a_fleet_without_pods_still_has_a_share() {
    assert_eq!(fleet(&world(vec![])).pods, 1);
}

#[test]
fn every_server_is_assigned_to_one_connected_gateway() {
    let mut world = world(vec![remote("a"), remote("b"), remote("c")]);
    assert!(assignments(&world).is_empty());
    world.gateways = ["g1".to_owned(), "g2".to_owned()].into();
    let assigned = assignments(&world);
    assert_eq!(assigned.iter().map(|one| one.gateway.as_str()).collect::<Vec<_>>(), ["g1", "g2"]);
    assert_eq!(assigned.iter().map(|one| one.servers.len()).sum::<usize>(), 3);
}
