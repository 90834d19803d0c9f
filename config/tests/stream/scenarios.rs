//! Promises that deserve a sentence of their own.

use bytes::Bytes;
use portolan_config::{Kind, Log, Name};

use crate::harness::{Gateway, assert_in_step, body, settle};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn gateways(count: usize, log: &Log) -> Vec<Gateway> {
    let mut gateways: Vec<_> = (0..count).map(Gateway::new).collect();
    gateways.iter_mut().for_each(|gateway| gateway.connect(0, log));
    gateways
}

#[test]
fn a_reconnect_transfers_only_differences_also_to_another_operator() {
    let objects: Vec<_> =
        (0..100).map(|index| (Name::new(Kind::Server, "a", &format!("s-{index}")), body(index, true))).collect();
    let mut logs = [Log::new(), Log::new()];
    for ((name, body), (last, its)) in objects.iter().zip(objects.iter().rev()) {
        logs[0].put(name.clone(), body.clone());
        logs[1].put(last.clone(), its.clone());
    }
    let mut gateways = gateways(1, &logs[0]);
    settle(&mut gateways, &mut logs);
    assert_eq!(std::mem::take(&mut gateways[0].transferred).len(), 100);
    gateways[0].connect(1, &logs[1]);
    settle(&mut gateways, &mut logs);
    assert_eq!(gateways[0].transferred, [""; 0]);
    logs[1].put(objects[7].0.clone(), body(1000, true));
    gateways[0].connect(1, &logs[1]);
    settle(&mut gateways, &mut logs);
    assert_eq!(gateways[0].transferred, ["Server/a/s-7"]);
    assert_in_step(&gateways[0], &logs[1]);
}

#[test]
fn a_rejected_resource_blocks_no_other_and_keeps_its_previous_version() {
    let mut logs = [Log::new()];
    logs[0].put(name("Server/a/bad"), body(1, true));
    let mut gateways = gateways(1, &logs[0]);
    settle(&mut gateways, &mut logs);
    logs[0].put(name("Server/a/bad"), body(2, false));
    logs[0].put(name("Server/a/good"), body(2, true));
    settle(&mut gateways, &mut logs);
    assert_in_step(&gateways[0], &logs[0]);
    let in_force: Vec<_> = gateways[0].in_force.iter().map(|(name, (_, body))| (name.as_str(), body.clone())).collect();
    assert_eq!(in_force, [("Server/a/bad", body(1, true)), ("Server/a/good", body(2, true))]);
}

#[test]
fn a_gateway_that_joins_after_a_bad_edit_serves_like_the_others() {
    let mut logs = [Log::new()];
    logs[0].put(name("Policy/a/p"), body(1, true));
    let mut gateways = gateways(2, &logs[0]);
    gateways[1].connection = None;
    settle(&mut gateways, &mut logs);
    logs[0].hold(name("Policy/a/p"), vec![name("Route/a/r")]);
    gateways[1].connect(0, &logs[0]);
    settle(&mut gateways, &mut logs);
    assert_eq!(gateways[0].in_force, gateways[1].in_force);
    assert_eq!(gateways[0].held, gateways[1].held);
}

#[test]
fn after_a_restart_during_a_bad_edit_the_last_good_version_comes_from_a_gateway() {
    let mut logs = [Log::new(), Log::new()];
    logs[0].put(name("Policy/a/p"), body(1, true));
    let mut gateways = gateways(2, &logs[0]);
    gateways[1].connection = None;
    settle(&mut gateways, &mut logs);
    logs[1].hold(name("Policy/a/p"), vec![name("Route/a/r")]);
    gateways.iter_mut().for_each(|gateway| gateway.connect(1, &logs[1]));
    settle(&mut gateways, &mut logs);
    for gateway in &gateways {
        assert_in_step(gateway, &logs[1]);
        assert_eq!(gateway.in_force[&name("Policy/a/p")].1, body(1, true));
        assert!(gateway.held[&name("Policy/a/p")].0.is_some());
    }
}

#[test]
fn held_without_a_version_reaches_every_gateway_with_what_depends_on_it() {
    let mut logs = [Log::new()];
    let dependents = vec![name("Route/a/r"), name("Server/a/s")];
    logs[0].hold(name("Policy/a/p"), dependents.clone());
    let mut gateways = gateways(2, &logs[0]);
    settle(&mut gateways, &mut logs);
    for gateway in &gateways {
        assert_eq!(gateway.held[&name("Policy/a/p")], (None, dependents.clone()));
        assert!(gateway.in_force.is_empty());
    }
}

#[test]
fn a_batch_is_never_seen_in_part_however_slow_the_gateway() {
    let mut logs = [Log::new()];
    let mut gateways = gateways(1, &logs[0]);
    for generation in 0..50 {
        // The harness checks each change: a route and its policy are of one generation.
        logs[0].put(name("Route/a/r"), body(generation, true));
        logs[0].put(name("Policy/a/r"), body(generation, true));
        gateways[0].poll(&logs[0]);
        for _ in 0..generation % 4 {
            gateways[0].deliver_down();
            gateways[0].deliver_up(&mut logs[0]);
        }
    }
    settle(&mut gateways, &mut logs);
    assert_eq!(gateways[0].in_force[&name("Route/a/r")].1, body(49, true));
}

#[test]
fn a_set_of_many_mebibytes_arrives_in_parts_and_at_once() {
    let mut logs = [Log::new()];
    for index in 0..20 {
        let tool = portolan_config::proto::Tool { definition: Bytes::from(vec![index; 300_000]), ..Default::default() };
        let chunk = portolan_config::proto::Chunk { tools: vec![tool] };
        logs[0].put(Name::chunk("a", "s", index.into()), portolan_config::Body::from(chunk).encode());
    }
    let mut gateways = gateways(1, &logs[0]);
    gateways[0].poll(&logs[0]);
    while gateways[0].in_force.is_empty() {
        assert!(gateways[0].deliver_down(), "the commit mark never came");
    }
    assert_eq!(gateways[0].in_force.len(), 20);
}
