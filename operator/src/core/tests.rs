use portolan_config::{
    Body, State, Version,
    delta::{client, server},
    proto::{Chunk, FromOperator, Held, Rejected, Report, ServerFacts, Tool},
};
use portolan_crds::{ConditionType, Reason, Status};
use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{self, key, policy, read, remote, route, server as a_server, service, slice, with},
    status::ObjectStatus,
};

mod claims;
mod holds;
mod programmed;

/// A gateway that takes everything but what it is told to refuse.
struct Gateway {
    id: StreamId,
    session: server::Session,
    client: client::Session,
    refuses: Vec<(String, String)>,
}

impl Gateway {
    fn connect(core: &mut Core, name: &str) -> Self {
        let mut client = client::Session::new(name.into(), "default".into(), "test".into());
        let Some(portolan_config::proto::from_gateway::Message::Subscribe(subscribe)) = client.subscribe().message
        else {
            panic!("no subscription")
        };
        let (id, session) = core.subscribe(subscribe, 0).unwrap();
        Self { id, session, client, refuses: Vec::new() }
    }

    /// The operator that it was connected to is gone; it takes what it has to another one.
    fn reconnect(&mut self, core: &mut Core) {
        let Some(portolan_config::proto::from_gateway::Message::Subscribe(subscribe)) = self.client.subscribe().message
        else {
            panic!("no subscription")
        };
        (self.id, self.session) = core.subscribe(subscribe, 0).unwrap();
    }

    /// Exchanges messages until both have nothing to say.
    fn settle(&mut self, core: &mut Core, now: i64) {
        for _ in 0..100 {
            let messages = core.poll(self.id, &mut self.session, now);
            if messages.is_empty() {
                return;
            }
            for message in messages {
                self.take(message, core, now);
            }
        }
        panic!("they never stop");
    }

    fn take(&mut self, message: FromOperator, core: &mut Core, now: i64) {
        let answer = match self.client.on_message(message).unwrap() {
            client::Reaction::Change(change) => {
                let refused = change.upserts.iter().filter_map(|(name, version, _)| {
                    let (_, reason) = self.refuses.iter().find(|(refused, _)| refused == name.as_str())?;
                    Some(Rejected { name: name.to_string(), version: version.to_string(), reason: reason.clone() })
                });
                let refused = refused.collect();
                self.client.applied(change.sequence, refused)
            }
            client::Reaction::Send(answer) => answer,
            _ => return,
        };
        core.receive(self.id, &mut self.session, answer, now);
    }

    fn report(&mut self, core: &mut Core, report: Report, chunks: Vec<(Name, Bytes)>, now: i64) {
        let message = self.client.report(report, chunks);
        core.receive(self.id, &mut self.session, message, now);
        self.settle(core, now);
        core.publish(now);
        self.settle(core, now);
    }

    fn has(&self, name: &str) -> bool {
        self.client.applied_set().any(|(resource, ..)| resource.as_str() == name)
    }
}

fn core(objects: Vec<Value>) -> Core {
    let mut core = Core::new(fixtures::files());
    for kind in ObjectKind::ALL {
        core.replace(kind, None, Vec::new(), 0);
    }
    for object in objects {
        core.apply(read(object), 0);
    }
    core
}

fn published(objects: Vec<Value>) -> Core {
    let mut core = core(objects);
    core.publish(0);
    core
}

fn finding(core: &Core, kind: ObjectKind, name: &str, condition: ConditionType) -> Option<(Status, Reason, String)> {
    let all: Vec<ObjectStatus> = core.conditions();
    let of = all.into_iter().find(|status| status.object == key(kind, name))?;
    let found = of.findings.into_iter().find(|finding| finding.condition == condition)?;
    Some((found.status, found.reason, found.message))
}

fn programmed(core: &Core, kind: ObjectKind, name: &str) -> (Status, Reason, String) {
    finding(core, kind, name, ConditionType::Programmed).unwrap()
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        definition: format!("{{\"name\":\"{name}\"}}").into_bytes().into(),
        digest: String::new(),
    }
}

fn catalogue(server: &str, tools: &[&str]) -> (Report, Vec<(Name, Bytes)>) {
    let chunk = Body::from(Chunk { tools: tools.iter().map(|name| tool(name)).collect() }).encode();
    let name = Name::chunk("shop", server, 0);
    let held = Held { name: name.to_string(), version: Version::of(&chunk).to_string() };
    let facts =
        ServerFacts { revisions: vec!["2026-07-28".into()], server_name: server.into(), ..ServerFacts::default() };
    let report = Report {
        server: format!("Server/shop/{server}"),
        verified: true,
        reason: "Verified".into(),
        digest: "sha256:ab".into(),
        facts: Some(facts),
        chunks: vec![held],
        ..Report::default()
    };
    (report, vec![(name, chunk)])
}

#[test]
fn nothing_is_told_to_a_gateway_before_the_first_publication() {
    let mut core = core(vec![remote("web")]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    assert!(core.poll(gateway.id, &mut gateway.session, 0).is_empty());
    core.publish(0);
    gateway.settle(&mut core, 0);
    assert!(gateway.has("Server/shop/web"));
}

#[test]
fn it_is_settled_when_every_first_list_is_done_and_every_grant_known() {
    let settings = Settings { secrets: crate::settings::SecretAccess::ByGrant, ..fixtures::files() };
    let mut core = Core::new(settings);
    let header = json!({"header": {"name": "X-Key", "secretRef": {"name": "token", "key": "k"}}});
    core.replace(ObjectKind::McpServer, None, vec![read(with(remote("web"), "/spec/credentials", header))], 0);
    for kind in [ObjectKind::McpRoute, ObjectKind::McpPolicy, ObjectKind::Service] {
        core.replace(kind, None, Vec::new(), 0);
        assert!(!core.take_wake().listed);
    }
    core.replace(ObjectKind::EndpointSlice, None, Vec::new(), 0);
    let wake = core.take_wake();
    assert!(wake.listed && !wake.settled);
    core.set_grant("shop", Grant::Denied);
    assert!(core.take_wake().settled);
}

#[test]
fn programmed_follows_the_acknowledgements_of_every_gateway() {
    let mut core = published(vec![remote("web"), route("r", &["web"])]);
    assert_eq!(programmed(&core, ObjectKind::McpRoute, "r").1, Reason::NoGateways);
    let mut a = Gateway::connect(&mut core, "a");
    let mut b = Gateway::connect(&mut core, "b");
    core.publish(10);
    a.settle(&mut core, 20);
    assert_eq!(programmed(&core, ObjectKind::McpRoute, "r").2, "1/2 gateway pods");
    b.settle(&mut core, 30);
    assert_eq!(
        programmed(&core, ObjectKind::McpRoute, "r"),
        (Status::True, Reason::Programmed, "2/2 gateway pods, 30 ms".into())
    );
    core.apply(
        read(with(with(route("r", &["web"]), "/spec/path", json!("/other")), "/metadata/generation", json!(2))),
        1000,
    );
    core.publish(1050);
    assert_eq!(programmed(&core, ObjectKind::McpRoute, "r").1, Reason::Pending);
    a.settle(&mut core, 1055);
    b.settle(&mut core, 1060);
    assert_eq!(programmed(&core, ObjectKind::McpRoute, "r").2, "2/2 gateway pods, 60 ms");
}

#[test]
fn endpoints_that_come_and_go_take_nothing_back() {
    let mut core = published(vec![a_server("web"), service("web"), slice("web", &["10.0.0.1"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    core.apply(read(slice("web", &["10.0.0.1", "10.0.0.2"])), 10);
    core.publish(20);
    assert_eq!(programmed(&core, ObjectKind::McpServer, "web").0, Status::True);
}

#[test]
fn a_rejection_is_told_on_its_object_and_on_no_other() {
    let mut core = published(vec![remote("web"), route("r", &["web"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.refuses.push(("Route/shop/r".into(), "no such thing".into()));
    gateway.settle(&mut core, 5);
    assert_eq!(programmed(&core, ObjectKind::McpRoute, "r").2, "0/1 gateway pods; gw: no such thing");
    assert_eq!(programmed(&core, ObjectKind::McpServer, "web").0, Status::True);
}

#[test]
fn a_deleted_server_takes_its_catalogue_along() {
    let mut core = published(vec![remote("web"), route("r", &["web"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    let (report, chunks) = catalogue("web", &["get", "put"]);
    gateway.report(&mut core, report, chunks, 10);
    assert!(gateway.has("Catalogue/shop/web") && gateway.has("Chunk/shop/web/0"));
    let verified = finding(&core, ObjectKind::McpServer, "web", ConditionType::Verified).unwrap();
    assert_eq!(verified.2, "2 tools, revision 2026-07-28");
    core.delete(&key(ObjectKind::McpServer, "web"), 20);
    core.publish(30);
    gateway.settle(&mut core, 40);
    for name in ["Server/shop/web", "Catalogue/shop/web", "Chunk/shop/web/0"] {
        assert!(!gateway.has(name), "{name}");
    }
    assert!(finding(&core, ObjectKind::McpServer, "web", ConditionType::Verified).is_none());
}

#[test]
fn a_server_that_stops_answering_keeps_its_catalogue_marked_as_stale() {
    let mut core = published(vec![remote("web"), route("r", &["web"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    let (report, chunks) = catalogue("web", &["get"]);
    gateway.report(&mut core, report.clone(), chunks, 10);
    let failed = Report {
        server: report.server,
        reason: "TimedOut".into(),
        message: "no answer in 3 s".into(),
        ..Report::default()
    };
    gateway.report(&mut core, failed, Vec::new(), 1000);
    let verified = finding(&core, ObjectKind::McpServer, "web", ConditionType::Verified).unwrap();
    assert_eq!(verified, (Status::False, Reason::TimedOut, "no answer in 3 s".into()));
    let (_, body) = core.log.get(&"Catalogue/shop/web".parse().unwrap()).unwrap();
    let Ok(Body::Catalogue(stale)) = Body::decode(Kind::Catalogue, &body) else { panic!("no catalogue") };
    assert_eq!((stale.stale_since_ms, stale.chunks.len()), (1000, 1));
}

#[test]
fn tools_with_one_name_are_told_on_the_route() {
    let entries = json!([
        {"name": "a", "serverRef": {"name": "a"}, "prefix": ""},
        {"name": "b", "serverRef": {"name": "b"}, "prefix": ""},
    ]);
    let mut core = published(vec![remote("a"), remote("b"), with(route("r", &[]), "/spec/servers", entries)]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    for server in ["a", "b"] {
        let (report, chunks) = catalogue(server, &["get"]);
        gateway.report(&mut core, report, chunks, 10);
    }
    let partial = finding(&core, ObjectKind::McpRoute, "r", ConditionType::PartiallyInvalid).unwrap();
    assert_eq!((partial.0, partial.1), (Status::True, Reason::NameConflict));
}

#[test]
fn catalogues_survive_an_operator_that_restarts() {
    let objects = || vec![remote("web"), route("r", &["web"])];
    let mut first = published(objects());
    let mut gateway = Gateway::connect(&mut first, "gw");
    gateway.settle(&mut first, 5);
    let (report, chunks) = catalogue("web", &["get"]);
    gateway.report(&mut first, report, chunks, 10);

    let mut second = published(objects());
    gateway.reconnect(&mut second);
    gateway.settle(&mut second, 20);
    assert!(gateway.has("Catalogue/shop/web"), "it was never told as removed");
    assert_eq!(second.listings[&Key::new("shop", "web")].tools.len(), 1, "and the operator has it again");
}

#[test]
fn the_fleet_and_its_assignments_follow_who_is_connected() {
    let mut core = published(vec![remote("web")]);
    let mut a = Gateway::connect(&mut core, "a");
    core.publish(1);
    a.settle(&mut core, 1);
    assert!(a.has("Assignment/a") && a.has("Fleet/default"));
    let b = Gateway::connect(&mut core, "b");
    core.publish(2);
    let pods = |core: &Core| match Body::decode(Kind::Fleet, &core.log.get(&Name::fleet("default")).unwrap().1) {
        Ok(Body::Fleet(fleet)) => fleet.pods,
        _ => 0,
    };
    assert_eq!(pods(&core), 2);
    core.disconnect(b.id, 3);
    core.publish(4);
    assert_eq!(pods(&core), 1);
    assert!(core.log.get(&Name::assignment("b")).is_none());
}

#[test]
fn a_gateway_of_another_fleet_is_refused() {
    let mut core = published(vec![]);
    let mut client = client::Session::new("gw".into(), "edge".into(), "test".into());
    let Some(portolan_config::proto::from_gateway::Message::Subscribe(subscribe)) = client.subscribe().message else {
        panic!("no subscription")
    };
    assert!(core.subscribe(subscribe, 0).unwrap_err().reason.contains("serves fleet"));
}

#[test]
fn an_ended_session_is_told_to_every_gateway_until_it_expires() {
    let mut core = published(vec![]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    let session = portolan_config::proto::EndedSession { session: Bytes::from_static(b"hash"), expires: 100 };
    let ended = portolan_config::proto::Ended { sessions: vec![session] };
    core.receive(gateway.id, &mut gateway.session, ended.into(), 1000);
    assert_eq!(translate::fleet(&core.world).ended_sessions.len(), 1);
    assert!(core.is_dirty());
    core.tick(99_000);
    assert_eq!(core.world.ended.len(), 1);
    core.tick(100_000);
    assert!(core.world.ended.is_empty());
}

// === Statuses ===

fn updates(core: &mut Core, now: i64) -> Vec<(String, Value)> {
    std::iter::from_fn(|| core.next_update(now)).map(|update| (update.object.to_string(), update.status)).collect()
}

#[test]
fn a_status_is_written_once_and_its_echo_writes_nothing() {
    let mut core = published(vec![remote("web")]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    core.publish(5);
    gateway.settle(&mut core, 5);
    let written = updates(&mut core, 1000);
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].0, "McpServer shop/web");
    let mut echo = remote("web");
    echo["status"] = written[0].1.clone();
    core.apply(read(echo), 2000);
    assert!(!core.is_dirty(), "our own write is translated again");
    assert!(updates(&mut core, 3000).is_empty());
}

#[test]
fn no_status_is_written_before_the_edit_is_translated() {
    let mut core = core(vec![remote("web")]);
    assert!(updates(&mut core, 0).is_empty());
    core.publish(0);
    assert_eq!(updates(&mut core, 0).len(), 1);
    core.apply(read(with(remote("web"), "/metadata/generation", json!(2))), 10);
    assert!(updates(&mut core, 10).is_empty());
    core.publish(20);
    assert_eq!(updates(&mut core, 20).len(), 1);
}

#[test]
fn a_restarted_operator_writes_nothing_over_what_still_holds() {
    let mut first = published(vec![remote("web")]);
    let mut gateway = Gateway::connect(&mut first, "gw");
    gateway.settle(&mut first, 5);
    let status = updates(&mut first, 1000).remove(0).1;
    let mut stored = remote("web");
    stored["status"] = status;
    let mut second = published(vec![stored]);
    assert!(updates(&mut second, 2000).is_empty(), "while its gateways are on their way");
    let mut gateway = Gateway::connect(&mut second, "gw");
    assert!(updates(&mut second, 2001).is_empty());
    gateway.settle(&mut second, 2002);
    assert!(updates(&mut second, 2003).is_empty());
}

#[test]
fn a_fleet_that_stays_away_is_told() {
    let mut core = published(vec![remote("web")]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    updates(&mut core, 10);
    core.disconnect(gateway.id, 1000);
    core.tick(5000);
    assert!(
        updates(&mut core, 5000)
            .iter()
            .all(|(_, status)| status["conditions"].to_string().contains("1/1 gateway pods"))
    );
    core.tick(11_000);
    let told = updates(&mut core, 11_000);
    assert!(told[0].1["conditions"].to_string().contains("NoGateways"), "{told:?}");
}

#[test]
fn a_routes_status_has_its_fleet_its_servers_and_its_endpoint() {
    let settings = Settings { external_url: Some("https://mcp.acme.example".into()), ..fixtures::files() };
    let mut core = Core::new(settings);
    for object in [remote("web"), with(route("r", &["web"]), "/spec/hostnames", json!(["tools.acme.example"]))] {
        core.apply(read(object), 0);
    }
    core.publish(0);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    let (report, chunks) = catalogue("web", &["get", "put"]);
    gateway.report(&mut core, report, chunks, 10);
    let written = updates(&mut core, 1000);
    let status = &written.iter().find(|(object, _)| object == "McpRoute shop/r").unwrap().1;
    assert_eq!(status["endpoint"], "https://tools.acme.example/r");
    assert_eq!(status["servers"], json!([{"name": "web", "tools": 2, "hidden": 0, "state": "Serving"}]));
    assert_eq!(status["parents"][0]["parentRef"], json!({"group": "portolan.dev", "kind": "Fleet", "name": "default"}));
    assert_eq!(status["parents"][0]["dataPlane"]["acknowledged"], 1);
}

#[test]
fn config_shows_no_secret() {
    let header = json!({"header": {"name": "X-Key", "secretRef": {"name": "token", "key": "k"}}});
    let core = published(vec![
        with(remote("web"), "/spec/credentials", header),
        fixtures::secret("token", json!({"k": "hunter2"})),
    ]);
    let shown = core.describe().to_string();
    assert!(shown.contains("Secret/shop/token"));
    assert!(!shown.contains("hunter2"));
}
