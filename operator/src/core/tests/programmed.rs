//! Who counts as having an edit, whose fault it is if one has not, and what telling that costs.

use super::*;

const FLEET: &str = "gateways";

/// An operator that knows its fleet's Service, whose ready pods are these.
fn with_fleet(objects: Vec<Value>, ready: &[&str]) -> Core {
    let settings = Settings { fleet_service: Some(Key::new("shop", FLEET)), ..fixtures::files() };
    let mut core = Core::new(settings);
    for kind in ObjectKind::ALL {
        core.replace(kind, None, Vec::new(), 0);
    }
    for object in objects {
        core.apply(read(object), 0);
    }
    core.apply(read(pods(ready)), 0);
    core.publish(0);
    core
}

fn pods(ready: &[&str]) -> Value {
    let endpoints: Vec<Value> = ready
        .iter()
        .map(|pod| json!({"addresses": [format!("10.0.0.{}", pod.len())], "targetRef": {"kind": "Pod", "name": pod}}))
        .collect();
    with(slice(FLEET, &[]), "/endpoints", json!(endpoints))
}

fn said(core: &Core) -> (Status, Reason, String) {
    let (status, reason, message) = programmed(core, ObjectKind::McpRoute, "r");
    let count = message.split(',').next().unwrap_or_default().to_owned();
    (status, reason, count)
}

#[test]
fn a_pod_that_serves_although_it_is_cut_off_keeps_an_edit_from_being_programmed() {
    let mut core = with_fleet(vec![remote("web"), route("r", &["web"])], &["a", "b"]);
    let mut a = Gateway::connect(&mut core, "a");
    a.settle(&mut core, 1);
    assert_eq!(said(&core), (Status::False, Reason::Pending, "1/2 gateway pods".into()));
    core.apply(read(pods(&["a"])), 2);
    core.publish(2);
    assert_eq!(said(&core), (Status::True, Reason::Programmed, "1/1 gateway pods".into()));
}

#[test]
fn a_pod_that_drains_does_not_stand_in_for_one_that_is_cut_off() {
    let mut core = with_fleet(vec![remote("web"), route("r", &["web"])], &["b"]);
    let mut leaving = Gateway::connect(&mut core, "a");
    core.receive(leaving.id, &mut leaving.session, portolan_config::proto::Drain {}.into(), 1);
    core.publish(1);
    leaving.settle(&mut core, 1);
    assert_eq!(said(&core), (Status::False, Reason::Pending, "1/2 gateway pods".into()));
}

#[test]
fn a_pod_in_slices_of_both_address_families_is_one_pod() {
    let mut core = with_fleet(vec![remote("web"), route("r", &["web"])], &["a"]);
    let other = with(with(pods(&["a"]), "/metadata/name", json!("gateways-6")), "/addressType", json!("IPv6"));
    core.apply(read(other), 1);
    core.publish(1);
    assert_eq!(said(&core), (Status::False, Reason::Pending, "0/1 gateway pods".into()));
    let Some(Ok(Body::Fleet(fleet))) =
        core.log.get(&Name::fleet("default")).map(|(_, body)| Body::decode(Kind::Fleet, &body))
    else {
        panic!("no fleet")
    };
    assert_eq!(fleet.pods, 1);
}

#[test]
fn without_a_pod_it_is_not_known_whether_an_edit_is_programmed() {
    let core = with_fleet(vec![remote("web"), route("r", &["web"])], &[]);
    assert_eq!(said(&core), (Status::Unknown, Reason::NoGateways, "no gateway is connected".into()));
}

#[test]
fn a_refused_secret_is_told_on_whoever_names_it() {
    let header = json!({"header": {"name": "X-Key", "secretRef": {"name": "token", "key": "k"}}});
    let keyed = with(remote("keyed"), "/spec/credentials", header);
    let mut core = published(vec![keyed, remote("web"), fixtures::secret("token", json!({"k": "v"}))]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 1);
    assert_eq!(programmed(&core, ObjectKind::McpServer, "keyed").0, Status::True);
    gateway.refuses.push(("Secret/shop/token".into(), "not a header value".into()));
    core.apply(read(fixtures::secret("token", json!({"k": "\n"}))), 2);
    core.publish(2);
    gateway.settle(&mut core, 3);
    let told = programmed(&core, ObjectKind::McpServer, "keyed");
    assert_eq!((told.0, told.1), (Status::False, Reason::Rejected), "{}", told.2);
    assert!(told.2.ends_with("gw: not a header value"), "{}", told.2);
    assert_eq!(programmed(&core, ObjectKind::McpServer, "web").0, Status::True);
}

#[test]
fn a_refused_list_is_told_on_its_server() {
    let mut core = published(vec![remote("web"), remote("other")]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 1);
    gateway.refuses.push(("Chunk/shop/web/0".into(), "no list of tools".into()));
    let (report, chunks) = catalogue("web", &["search"]);
    gateway.report(&mut core, report, chunks, 2);
    let told = programmed(&core, ObjectKind::McpServer, "web");
    assert_eq!((told.0, told.2.as_str()), (Status::False, "0/1 gateway pods; gw: no list of tools"));
    assert_eq!(programmed(&core, ObjectKind::McpServer, "other").0, Status::True);
}

#[test]
fn a_refused_edit_stays_refused_when_something_around_it_changes_until_the_gateway_has_judged_that() {
    let mut core = published(vec![remote("web"), remote("other"), route("r", &["web", "other"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 1);
    gateway.refuses.push(("Route/shop/r".into(), "no such path here".into()));
    core.apply(read(with(route("r", &["web", "other"]), "/spec/path", json!("/novel"))), 2);
    core.publish(2);
    gateway.settle(&mut core, 3);
    let refused = (Status::False, Reason::Rejected, "0/1 gateway pods; gw: no such path here".to_owned());
    assert_eq!(said(&core), refused);

    core.delete(&ObjectKey::new(ObjectKind::McpServer, Key::new("shop", "other")), 4);
    core.publish(4);
    assert_eq!(said(&core), refused, "it has acknowledged the edit, and refused it");
    gateway.settle(&mut core, 5);
    assert_eq!(said(&core), refused);
    core.apply(read(route("r", &["web"])), 6);
    core.publish(6);
    assert_eq!(
        said(&core),
        (Status::False, Reason::Pending, "0/1 gateway pods".into()),
        "another edit, not judged yet"
    );
    gateway.refuses.clear();
    gateway.settle(&mut core, 7);
    assert_eq!(said(&core), (Status::True, Reason::Programmed, "1/1 gateway pods".into()));
}

/// Statuses written since the last look, each read again as the API server would show it.
fn writes(core: &mut Core, objects: &mut BTreeMap<String, Value>, now: i64) -> Vec<String> {
    let written = updates(core, now);
    for (name, status) in &written {
        let object = objects.get_mut(name).unwrap();
        object["status"] = status.clone();
        core.apply(read(object.clone()), now);
    }
    written.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn at_two_thousand_servers_and_routes_an_edit_costs_two_writes_and_a_joining_gateway_none() {
    let names = (0..2000).map(|number| number.to_string());
    let all = names.flat_map(|name| [remote(&format!("s{name}")), route(&format!("r{name}"), &[&format!("s{name}")])]);
    let named = all.map(|object| {
        let name =
            format!("{} shop/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        (name, object)
    });
    let mut objects: BTreeMap<String, Value> = named.collect();
    let mut core = core(objects.values().cloned().collect());
    let mut fleet: Vec<Gateway> = ["a", "b", "c"].map(|name| Gateway::connect(&mut core, name)).into();
    core.publish(0);
    fleet.iter_mut().for_each(|gateway| gateway.settle(&mut core, 1));
    assert_eq!(writes(&mut core, &mut objects, 2).len(), 4000, "each once");
    assert!(writes(&mut core, &mut objects, 3).is_empty());

    for (name, path) in [("McpRoute shop/r7", "/spec/path"), ("McpServer shop/s7", "/spec/source/remote/url")] {
        let object = objects.get_mut(name).unwrap();
        *object.pointer_mut(path).unwrap() =
            json!(if path.ends_with("url") { "https://new.example/mcp" } else { "/new" });
        object["metadata"]["generation"] = json!(2);
        core.apply(read(object.clone()), 100);
        core.publish(150);
        let mut written = writes(&mut core, &mut objects, 150);
        // The slowest writer there is: it looks after every single acknowledgement.
        for gateway in &mut fleet {
            gateway.settle(&mut core, 160);
            written.extend(writes(&mut core, &mut objects, 160));
        }
        assert_eq!(written, [name, name], "pending, and programmed");
    }

    let mut joining = Gateway::connect(&mut core, "d");
    core.publish(200);
    joining.settle(&mut core, 201);
    core.tick(1200);
    assert_eq!(writes(&mut core, &mut objects, 1200), Vec::<String>::new());
    core.disconnect(joining.id, 1300);
    core.publish(1350);
    core.tick(20_000);
    assert_eq!(writes(&mut core, &mut objects, 20_000), Vec::<String>::new(), "nor does one that leaves");
}

#[test]
fn a_gateway_that_keeps_an_edit_waiting_is_counted_after_a_while() {
    let mut objects = BTreeMap::from([("McpServer shop/web".to_owned(), remote("web"))]);
    let mut core = core(objects.values().cloned().collect());
    let [mut a, _silent] = ["a", "b"].map(|name| Gateway::connect(&mut core, name));
    core.publish(0);
    assert_eq!(writes(&mut core, &mut objects, 1).len(), 1);
    a.settle(&mut core, 2);
    core.tick(1000);
    assert!(writes(&mut core, &mut objects, 1000).is_empty(), "the count is still moving");
    core.tick(11_000);
    assert_eq!(writes(&mut core, &mut objects, 11_000).len(), 1);
    let status = objects["McpServer shop/web"]["status"].to_string();
    assert!(status.contains("1/2 gateway pods"), "{status}");
}

/// A server whose status the holder before has written, and the gateway that told it of that server.
fn under_a_first_holder() -> (BTreeMap<String, Value>, Gateway) {
    let mut objects = BTreeMap::from([("McpServer shop/web".to_owned(), remote("web"))]);
    let mut first = core(objects.values().cloned().collect());
    let mut gateway = Gateway::connect(&mut first, "gw");
    first.publish(0);
    gateway.settle(&mut first, 1);
    assert_eq!(writes(&mut first, &mut objects, 2).len(), 1);
    (objects, gateway)
}

#[test]
fn a_new_holder_says_nothing_while_the_gateways_of_the_last_one_are_on_their_way() {
    let (mut objects, _) = under_a_first_holder();
    // It stood by for an hour.
    let mut second = core(objects.values().cloned().collect());
    second.publish(0);
    second.tick(3_600_000);
    second.begin_epoch(2, 3_600_001);
    second.tick(3_601_000);
    assert!(writes(&mut second, &mut objects, 3_601_000).is_empty());
    let mut gateway = Gateway::connect(&mut second, "gw");
    gateway.settle(&mut second, 3_601_500);
    assert!(writes(&mut second, &mut objects, 3_602_000).is_empty());
}

#[test]
fn a_new_holder_that_is_asked_before_its_first_gateway_has_said_anything_says_nothing() {
    let (mut objects, mut gateway) = under_a_first_holder();
    let mut second = core(objects.values().cloned().collect());
    second.publish(0);
    second.begin_epoch(2, 3);
    gateway.reconnect(&mut second);
    assert_eq!(writes(&mut second, &mut objects, 4), Vec::<String>::new(), "{objects:?}");
    gateway.settle(&mut second, 5);
    assert_eq!(writes(&mut second, &mut objects, 6), Vec::<String>::new(), "{objects:?}");
}

#[test]
fn a_report_is_told_together_with_its_catalogue_and_not_before() {
    let mut core = published(vec![remote("web"), route("r", &["web"])]);
    let mut gateway = Gateway::connect(&mut core, "gw");
    gateway.settle(&mut core, 5);
    let (report, chunks) = catalogue("web", &["one", "two"]);
    let message = gateway.client.report(report, chunks);
    core.receive(gateway.id, &mut gateway.session, message, 10);
    gateway.settle(&mut core, 10);
    core.due.insert(key(ObjectKind::McpServer, "web"));
    assert!(updates(&mut core, 11).iter().all(|(object, _)| object != "McpServer shop/web"), "no tools are known yet");
    core.publish(20);
    let told = updates(&mut core, 21).into_iter().find(|(object, _)| object == "McpServer shop/web").unwrap().1;
    assert_eq!(told["catalogue"]["tools"], 2);
}
