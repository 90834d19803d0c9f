//! A snapshot that came step by step is the one that would be made of everything at once, and costs what each step touched.

use std::collections::BTreeMap;

use super::*;

const NAMES: [&str; 4] = ["one", "two", "three", "four"];

/// Anything that can change, with a random value of few: each kind of edge, and rivals for one address.
fn resource() -> (Name, Body) {
    let pick = || NAMES[fastrand::usize(..NAMES.len())];
    let secret = Name::new(Kind::Secret, "scm", "token");
    match fastrand::u8(..7) {
        0 => {
            let (name, Body::Server(mut server)) = server(pick()) else { unreachable!() };
            server.generation = fastrand::i64(..2);
            server.credential = fastrand::bool().then(|| proto::HeaderCredential {
                header: "X-Key".to_owned(),
                format: "%s".to_owned(),
                secret: secret.to_string(),
                key: "token".to_owned(),
            });
            (name, Body::Server(server))
        }
        1 => catalogue(pick(), &NAMES[..fastrand::usize(..3)])[usize::from(fastrand::bool())].clone(),
        2 => (
            secret,
            Body::Secret(proto::Secret { data: [("token".to_owned(), Bytes::from("s"))].into_iter().collect() }),
        ),
        3 | 4 => {
            let conflict = proto::Conflict::First;
            let (_, Body::Route(mut route)) = route(&[(pick(), "a"), (pick(), "b")], conflict) else { unreachable!() };
            route.name = pick().to_owned();
            route.created = fastrand::i64(..2);
            route.path = format!("/{}", fastrand::u8(..2));
            route.hostnames = vec!["Mcp.Example".to_owned(); fastrand::usize(..3)];
            (Name::new(Kind::Route, "scm", &route.name), Body::Route(route))
        }
        5 => {
            let when = ["true", "false", "tool.colour == 'red'"][fastrand::usize(..3)];
            let (_, Body::Policy(mut policy)) = policy(when) else { unreachable!() };
            policy.name = pick().to_owned();
            let kind = if fastrand::bool() { "Route" } else { "Server" };
            policy.attachments[0].target = format!("{kind}/scm/{}", pick());
            (Name::new(Kind::Policy, "scm", &policy.name), Body::Policy(policy))
        }
        _ => (Name::fleet("default"), Body::Fleet(proto::Fleet { pods: 1 + fastrand::u32(..3), ..Default::default() })),
    }
}

/// What can be told of a snapshot: every address with its route, and what that shows and lets through; every server.
fn told(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut told = BTreeMap::from([("fleet".to_owned(), format!("{} {}", snapshot.id(), snapshot.pods))]);
    for (host, path) in ["other", "mcp.example"].into_iter().flat_map(|host| ["/0", "/1"].map(|path| (host, path))) {
        let Some(route) = snapshot.route(host, path) else { continue };
        for server in route.servers.iter().filter_map(|entry| entry.server.as_ref()) {
            assert!(Arc::ptr_eq(server, snapshot.server(server.name.as_str()).unwrap()), "the snapshot's own servers");
        }
        let servers = route.servers.iter().map(|entry| entry.server.is_some());
        let tools = route.tools.all().iter().enumerate();
        let tools = tools.map(|(index, tool)| (&tool.exposed, is_visible(route, &Identity::anonymous(), 0, index)));
        let all = (&route.label, route.closed, servers.collect::<Vec<_>>(), tools.collect::<Vec<_>>());
        told.insert(format!("{host}{path}"), format!("{all:?}"));
    }
    for server in snapshot.servers() {
        let all = (server.part.proto.generation, server.closed, server.catalogue.tools().count(), &server.credential);
        told.insert(server.name.to_string(), format!("{all:?}"));
    }
    told.insert("hosts".to_owned(), snapshot.names_host("mcp.example").to_string());
    told
}

#[test]
fn any_steps_make_the_snapshot_that_everything_at_once_makes() {
    for _ in 0..40 {
        let mut stepwise = compiler();
        // What a policy closes hangs by the order in which its versions came: whoever makes it at once sees them in that order, too.
        let mut changes = Vec::new();
        for _ in 0..40 {
            let (name, body) = resource();
            let mut change = step([]);
            match fastrand::u8(..6) {
                0 => change.removed.push(name),
                1 => change.held.push((name, None, vec![Name::new(Kind::Route, "scm", NAMES[0])])),
                _ => change = step([(name, body)]),
            }
            stepwise.apply(&change);
            changes.push(change);
            if fastrand::bool() {
                let mut at_once = compiler();
                changes.iter().for_each(|change| drop(at_once.apply(change)));
                assert_eq!(told(&stepwise.snapshot()), told(&at_once.snapshot()), "{changes:?}");
            }
        }
    }
}

#[test]
fn a_step_says_whether_whoever_asks_servers_has_to_look() {
    let mut compiler = compiler();
    let assignment = proto::Assignment { gateway: "gw".to_owned(), servers: vec!["Server/scm/one".to_owned()] };
    let mut change = whole(proto::Conflict::First, ["a", "b"]);
    change.upserts.extend(step([(Name::assignment("gw"), Body::Assignment(assignment))]).upserts);
    let mut news = |change: &Change| {
        compiler.apply(change);
        compiler.snapshot();
        compiler.news()
    };
    assert_eq!(news(&change), News { assigned: true, policies: false });
    assert_eq!(news(&step(catalogue("one", &["other"]))), News::default(), "what it has listed itself");
    let edited = |name| {
        let (name, Body::Server(mut server)) = server(name) else { unreachable!() };
        server.path = "/other".to_owned();
        step([(name, Body::Server(server))])
    };
    assert_eq!(news(&edited("two")), News::default(), "another gateway's");
    assert_eq!(news(&edited("one")), News { assigned: true, policies: false });
    assert_eq!(news(&step([policy("true")])), News { assigned: false, policies: true });
}
