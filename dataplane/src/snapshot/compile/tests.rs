mod steps;

use bytes::Bytes;
use portolan_config::Body;
use rustls::RootCertStore;

use super::*;
use crate::limits::Limits;
use crate::policy::Identity;
use crate::snapshot::Access;
use crate::snapshot::visibility::is_visible;

pub(crate) fn compiler() -> Compiler {
    Compiler::new(Settings {
        workers: 1,
        dialer: Arc::new(Dialer::with_roots(Vec::new(), true, RootCertStore::empty())),
        open_without_authentication: true,
        source: Source::Stream,
        metrics: Metrics::new(&Limits::default()),
    })
}

pub(crate) fn server(name: &str) -> (Name, Body) {
    let server = proto::Server {
        namespace: "scm".to_owned(),
        name: name.to_owned(),
        path: "/mcp".to_owned(),
        authority: format!("{name}.scm.svc:8080"),
        ..Default::default()
    };
    (Name::new(Kind::Server, "scm", name), Body::Server(server))
}

/// A catalogue of one chunk with these tools.
pub(crate) fn catalogue(server: &str, tools: &[&str]) -> [(Name, Body); 2] {
    let tools = tools.iter().map(|tool| proto::Tool {
        name: (*tool).to_owned(),
        definition: format!(r#"{{"name":"{tool}","inputSchema":{{"type":"object"}}}}"#).into(),
        digest: String::new(),
    });
    let chunk = Name::chunk("scm", server, 0);
    let catalogue = proto::Catalogue {
        server: format!("Server/scm/{server}"),
        chunks: vec![chunk.to_string()],
        facts: Some(proto::ServerFacts { revisions: vec!["2026-07-28".to_owned()], ..Default::default() }),
        ..Default::default()
    };
    let chunk_body = Body::Chunk(proto::Chunk { tools: tools.collect() });
    [(chunk, chunk_body), (Name::new(Kind::Catalogue, "scm", server), Body::Catalogue(catalogue))]
}

pub(crate) fn route(servers: &[(&str, &str)], conflict: proto::Conflict) -> (Name, Body) {
    let servers = servers.iter().map(|(server, prefix)| proto::RouteServer {
        name: (*server).to_owned(),
        server: format!("Server/scm/{server}"),
        prefix: (*prefix).to_owned(),
        ..Default::default()
    });
    let route = proto::Route {
        namespace: "scm".to_owned(),
        name: "all".to_owned(),
        path: "/mcp".to_owned(),
        servers: servers.collect(),
        aggregation: Some(proto::Aggregation { conflict: conflict.into(), ..Default::default() }),
        ..Default::default()
    };
    (Name::new(Kind::Route, "scm", "all"), Body::Route(route))
}

pub(crate) fn policy(when: &str) -> (Name, Body) {
    let rule = proto::Rule {
        name: "some".to_owned(),
        action: proto::Action::Allow.into(),
        when: when.to_owned(),
        ..Default::default()
    };
    let policy = proto::Policy {
        namespace: "scm".to_owned(),
        name: "who".to_owned(),
        attachments: vec![proto::Attachment {
            target: "Route/scm/all".to_owned(),
            sections: vec![proto::Section::Authorization.into()],
        }],
        authorization: Some(proto::Authorization { default: proto::Action::Deny.into(), rules: vec![rule] }),
        ..Default::default()
    };
    (Name::new(Kind::Policy, "scm", "who"), Body::Policy(policy))
}

pub(crate) fn step(resources: impl IntoIterator<Item = (Name, Body)>) -> Change {
    let upserts = resources.into_iter().map(|(name, body)| {
        let bytes = body.encode();
        (name, Version::of(&bytes), bytes)
    });
    Change {
        sequence: 1,
        epoch: 0,
        upserts: upserts.collect(),
        removed: Vec::new(),
        revoked: Vec::new(),
        held: Vec::new(),
        initial: false,
    }
}

fn whole(conflict: proto::Conflict, prefixes: [&str; 2]) -> Change {
    let [a, b] = prefixes;
    let mut resources = vec![server("one"), server("two"), route(&[("one", a), ("two", b)], conflict)];
    resources.extend(catalogue("one", &["search", "read"]));
    resources.extend(catalogue("two", &["search", "write"]));
    step(resources)
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    let route = snapshot.route("any.example", "/mcp").expect("the route is served");
    route.tools.all().iter().map(|tool| tool.exposed.to_string()).collect()
}

#[test]
fn a_route_shows_its_servers_tools_under_their_prefixes_in_declared_order() {
    let mut compiler = compiler();
    assert!(compiler.apply(&whole(proto::Conflict::First, ["a", "b"])).is_empty());
    assert_eq!(names(&compiler.snapshot()), ["a_search", "a_read", "b_search", "b_write"]);
}

#[test]
fn of_two_tools_with_one_name_the_first_wins_or_the_later_server_stays_out() {
    let mut first = compiler();
    first.apply(&whole(proto::Conflict::First, ["", ""]));
    assert_eq!(names(&first.snapshot()), ["search", "read", "write"]);
    let mut reject = compiler();
    reject.apply(&whole(proto::Conflict::Reject, ["", ""]));
    assert_eq!(names(&reject.snapshot()), ["search", "read"]);
}

#[test]
fn what_a_change_does_not_touch_is_the_same_object_afterwards() {
    let mut compiler = compiler();
    compiler.apply(&whole(proto::Conflict::First, ["a", "b"]));
    let before = compiler.snapshot();
    compiler.apply(&step(catalogue("two", &["write"])));
    let after = compiler.snapshot();
    let kept = |name: &str| Arc::ptr_eq(before.server(name).unwrap(), after.server(name).unwrap());
    assert!(kept("Server/scm/one") && !kept("Server/scm/two"));
    let [before, after] = [&before, &after].map(|snapshot| snapshot.server("Server/scm/two").unwrap());
    assert!(Arc::ptr_eq(&before.upstream, &after.upstream), "a new catalogue costs no connection");
}

#[test]
fn endpoints_that_come_and_go_rebuild_nothing() {
    let mut compiler = compiler();
    compiler.apply(&whole(proto::Conflict::First, ["a", "b"]));
    let before = compiler.snapshot();
    let endpoint = proto::Endpoint { address: "10.0.0.1".to_owned(), port: 80, ready: true, zone: String::new() };
    let endpoints = proto::Endpoints { server: "Server/scm/one".to_owned(), endpoints: vec![endpoint] };
    compiler.apply(&step([(Name::new(Kind::Endpoints, "scm", "one"), Body::Endpoints(endpoints))]));
    let after = compiler.snapshot();
    let route = |snapshot: &Snapshot| Arc::clone(snapshot.route("any.example", "/mcp").unwrap());
    assert!(Arc::ptr_eq(&route(&before), &route(&after)));
}

#[test]
fn a_policy_that_does_not_compile_is_refused_by_name_and_the_last_good_one_goes_on() {
    let mut compiler = compiler();
    let mut change = whole(proto::Conflict::First, ["a", "b"]);
    change.upserts.extend(step([policy("tool.name == 'a_read'")]).upserts);
    assert!(compiler.apply(&change).is_empty());
    let refused = compiler.apply(&step([policy("tool.colour == 'red'")]));
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].name, "Policy/scm/who");
    let snapshot = compiler.snapshot();
    let route = snapshot.route("any.example", "/mcp").unwrap();
    let visible: Vec<bool> = (0..4).map(|index| is_visible(route, &Identity::anonymous(), 0, index)).collect();
    assert_eq!(visible, [false, true, false, false]);
    assert!(!route.closed);
}

#[test]
fn a_policy_without_any_good_version_closes_its_route_and_no_other() {
    let mut compiler = compiler();
    let mut other = proto::Route {
        namespace: "scm".to_owned(),
        name: "other".to_owned(),
        path: "/other".to_owned(),
        ..Default::default()
    };
    other.created = 1;
    let mut change = whole(proto::Conflict::First, ["a", "b"]);
    change.upserts.extend(
        step([policy("tool.colour == 'red'"), (Name::new(Kind::Route, "scm", "other"), Body::Route(other))]).upserts,
    );
    assert_eq!(compiler.apply(&change).len(), 1);
    let snapshot = compiler.snapshot();
    assert!(snapshot.route("h", "/mcp").unwrap().closed);
    assert!(!snapshot.route("h", "/other").unwrap().closed);
    // A good version opens it again.
    assert!(compiler.apply(&step([policy("true")])).is_empty());
    assert!(!compiler.snapshot().route("h", "/mcp").unwrap().closed);
}

#[test]
fn what_is_held_without_a_version_closes_what_depends_on_it() {
    let mut compiler = compiler();
    let mut change = whole(proto::Conflict::First, ["a", "b"]);
    change.held.push((Name::new(Kind::Policy, "scm", "new"), None, vec![Name::new(Kind::Route, "scm", "all")]));
    assert!(compiler.apply(&change).is_empty());
    assert!(compiler.snapshot().route("h", "/mcp").unwrap().closed);
    let mut gone = step([]);
    gone.removed.push(Name::new(Kind::Policy, "scm", "new"));
    compiler.apply(&gone);
    assert!(!compiler.snapshot().route("h", "/mcp").unwrap().closed);
}

/// The route `other` beside `all`, and a good policy on `all` alone.
fn two_routes_and_a_policy_on_one() -> Compiler {
    let mut compiler = compiler();
    let other = proto::Route {
        namespace: "scm".to_owned(),
        name: "other".to_owned(),
        path: "/other".to_owned(),
        ..Default::default()
    };
    let mut change = whole(proto::Conflict::First, ["a", "b"]);
    change.upserts.extend(step([policy("true"), (Name::new(Kind::Route, "scm", "other"), Body::Route(other))]).upserts);
    assert!(compiler.apply(&change).is_empty());
    compiler
}

fn closed(compiler: &mut Compiler) -> [bool; 2] {
    let snapshot = compiler.snapshot();
    ["/mcp", "/other"].map(|path| snapshot.route("h", path).unwrap().closed)
}

#[test]
fn what_a_held_edit_adds_is_closed_and_what_the_last_good_version_is_on_is_served() {
    let mut compiler = two_routes_and_a_policy_on_one();
    assert_eq!(closed(&mut compiler), [false, false]);
    let (name, body) = policy("true");
    let version = Some(Version::of(&body.encode()));
    let hold = |targets: &[&str]| {
        let targets = targets.iter().map(|target| Name::new(Kind::Route, "scm", target)).collect();
        Change { held: vec![(name.clone(), version, targets)], ..step([]) }
    };
    compiler.apply(&hold(&["all", "other"]));
    assert_eq!(closed(&mut compiler), [false, true]);
    compiler.apply(&hold(&["all"]));
    assert_eq!(closed(&mut compiler), [false, false], "the edit no longer names it");
    compiler.apply(&hold(&["other"]));
    assert_eq!(closed(&mut compiler), [false, true]);
    compiler.apply(&step([policy("true")]));
    assert_eq!(closed(&mut compiler), [false, false], "the hold is over");
}

#[test]
fn what_a_refused_version_adds_is_closed_too() {
    let mut compiler = two_routes_and_a_policy_on_one();
    let (name, Body::Policy(mut bad)) = policy("tool.colour == 'red'") else { panic!("a policy") };
    let added = proto::Attachment { target: "Route/scm/other".to_owned(), ..bad.attachments[0].clone() };
    bad.attachments.push(added);
    assert_eq!(compiler.apply(&step([(name, Body::Policy(bad))])).len(), 1);
    assert_eq!(closed(&mut compiler), [false, true]);
    compiler.apply(&step([policy("true")]));
    assert_eq!(closed(&mut compiler), [false, false]);
}

#[test]
fn a_revoked_secret_takes_the_credential_away_at_once() {
    let mut compiler = compiler();
    let (name, Body::Server(mut server)) = server("one") else { panic!("a server") };
    let secret = Name::new(Kind::Secret, "scm", "token");
    server.credential = Some(proto::HeaderCredential {
        header: "Authorization".to_owned(),
        format: "Bearer %s".to_owned(),
        secret: secret.to_string(),
        key: "token".to_owned(),
    });
    let data = [("token".to_owned(), Bytes::from_static(b"s3cret\n"))].into_iter().collect();
    compiler.apply(&step([(name, Body::Server(server)), (secret.clone(), Body::Secret(proto::Secret { data }))]));
    let snapshot = compiler.snapshot();
    let (_, value) = snapshot.server("Server/scm/one").unwrap().credential.clone().unwrap().unwrap();
    assert_eq!(value, "Bearer s3cret");
    assert!(value.is_sensitive());
    let mut revoked = step([]);
    revoked.revoked.push(secret);
    compiler.apply(&revoked);
    assert!(compiler.snapshot().server("Server/scm/one").unwrap().credential.is_err());
}

#[test]
fn the_oldest_of_two_routes_with_one_host_and_path_holds_it() {
    let mut compiler = compiler();
    let route = |name: &str, created| {
        let route = proto::Route {
            namespace: "scm".to_owned(),
            name: name.to_owned(),
            path: "/mcp".to_owned(),
            hostnames: vec!["Mcp.Example".to_owned()],
            created,
            ..Default::default()
        };
        (Name::new(Kind::Route, "scm", name), Body::Route(route))
    };
    compiler.apply(&step([route("a-later", 7), route("b-older", 3)]));
    let snapshot = compiler.snapshot();
    assert_eq!(&*snapshot.route("mcp.example", "/mcp").unwrap().label, "scm/b-older");
    assert!(snapshot.route("other.example", "/mcp").is_none());
    assert!(snapshot.names_host("mcp.example"));
}

#[test]
fn without_an_authentication_section_a_fleet_refuses_and_standalone_serves() {
    let mut standalone = compiler();
    standalone.apply(&whole(proto::Conflict::First, ["a", "b"]));
    assert!(matches!(standalone.snapshot().route("h", "/mcp").unwrap().access, Access::Open));
    let mut fleet = Compiler::new(Settings { open_without_authentication: false, ..compiler().settings });
    fleet.apply(&whole(proto::Conflict::First, ["a", "b"]));
    assert!(matches!(fleet.snapshot().route("h", "/mcp").unwrap().access, Access::Undeclared));
}

#[test]
fn equal_resources_make_equal_snapshots_in_whatever_order_they_came() {
    let (mut one, mut other) = (compiler(), compiler());
    let change = whole(proto::Conflict::First, ["a", "b"]);
    one.apply(&change);
    for resource in change.upserts.iter().rev() {
        other.apply(&Change { upserts: vec![resource.clone()], ..step([]) });
        other.snapshot();
    }
    let (one, other) = (one.snapshot(), other.snapshot());
    assert_eq!(one.id(), other.id());
    assert_eq!(names(&one), names(&other));
}

#[test]
fn a_server_is_spoken_to_in_its_clients_era_if_it_has_it() {
    use crate::mcp::revision::Revision::{R20250618, R20251125, R20260728};
    let facts = |revisions: &[&str]| {
        let revisions = revisions.iter().map(|revision| (*revision).to_owned()).collect();
        super::super::server::Facts::parse(&proto::ServerFacts { revisions, ..Default::default() }, &[]).unwrap()
    };
    let dual = facts(&["2025-11-25", "2026-07-28"]);
    assert_eq!(dual.speak(R20260728), R20260728);
    assert_eq!(dual.speak(R20250618), R20251125, "another revision of its era");
    assert_eq!(facts(&["2026-07-28"]).speak(R20250618), R20260728, "across");
    assert_eq!(facts(&["2025-06-18", "2025-11-25"]).speak(R20260728), R20251125, "across, to the newest");
}
