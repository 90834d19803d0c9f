//! Any interleaving of edits, deliveries, drops, reconnects and restarts ends with every gateway serving what the log says.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_config::{Body, Kind, Log, Name, State, proto};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::harness::{Gateway, assert_in_step, body, settle};

const GATEWAYS: usize = 3;
const OPERATORS: usize = 2;

#[derive(Clone, Debug)]
enum Act {
    /// Objects change; both operators see it.
    Put(Name, Bytes),
    PutPair(Name, i64),
    PutCatalogue(Name, Bytes, usize),
    Hold(Name),
    Remove(Name),
    Revoke(Name),
    /// Messages move, connections break.
    Exchange(usize),
    Poll(usize),
    Down(usize),
    Up(usize),
    Disconnect(usize),
    Connect(usize, usize),
    /// An operator starts again from the objects, which it meets in another order.
    Restart(usize, usize),
    Forget(usize),
}

/// What the Kubernetes API would say.
#[derive(Clone)]
enum Object {
    Valid(Bytes),
    Invalid,
    /// Known to gateways only.
    Catalogue,
}

struct World {
    objects: BTreeMap<Name, Object>,
    logs: Vec<Log>,
    gateways: Vec<Gateway>,
}

impl World {
    fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            logs: (0..OPERATORS).map(|_| Log::new()).collect(),
            gateways: (0..GATEWAYS).map(Gateway::new).collect(),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Exchange(gateway) => self.with_log(gateway, |gateway, log| {
                gateway.poll(log);
                while gateway.deliver_down() {}
                while gateway.deliver_up(log) {}
            }),
            Act::Poll(gateway) => self.with_log(gateway, |gateway, log| gateway.poll(log)),
            Act::Down(gateway) => {
                self.gateways[gateway].deliver_down();
            }
            Act::Up(gateway) => self.with_log(gateway, |gateway, log| {
                gateway.deliver_up(log);
            }),
            Act::Disconnect(gateway) => self.gateways[gateway].connection = None,
            Act::Connect(gateway, operator) => self.gateways[gateway].connect(operator, &self.logs[operator]),
            Act::Restart(operator, turn) => self.restart(operator, turn),
            Act::Forget(operator) => {
                let connected = self.gateways.iter().filter_map(|gateway| gateway.connection.as_ref());
                let acked = connected.filter(|c| c.operator == operator).map(|c| c.session.acked());
                let lowest = acked.min().unwrap_or(self.logs[operator].sequence());
                self.logs[operator].forget_tombstones(lowest);
            }
            edit => self.edit(&edit),
        }
    }

    fn edit(&mut self, edit: &Act) {
        let object = match edit {
            Act::Put(_, body) => Some(Object::Valid(body.clone())),
            Act::PutPair(_, generation) => Some(Object::Valid(body(*generation, true))),
            Act::PutCatalogue(..) => Some(Object::Catalogue),
            Act::Hold(_) => Some(Object::Invalid),
            _ => None,
        };
        let (Act::Put(name, _)
        | Act::PutPair(name, _)
        | Act::PutCatalogue(name, ..)
        | Act::Hold(name)
        | Act::Remove(name)
        | Act::Revoke(name)) = edit
        else {
            return;
        };
        match object {
            Some(object) => {
                if let Act::PutPair(..) = edit {
                    self.objects.insert(name.sibling(Kind::Policy), object.clone());
                }
                self.objects.insert(name.clone(), object);
            }
            None => {
                self.objects.remove(name);
            }
        }
        self.logs.iter_mut().for_each(|log| publish(log, edit));
    }

    fn restart(&mut self, operator: usize, turn: usize) {
        for gateway in &mut self.gateways {
            if gateway.connection.as_ref().is_some_and(|connection| connection.operator == operator) {
                gateway.connection = None;
            }
        }
        let mut objects: Vec<_> = self.objects.iter().collect();
        let turn = turn % objects.len().max(1);
        objects.rotate_left(turn);
        let mut log = Log::new();
        for (name, object) in objects {
            match object {
                Object::Valid(body) => {
                    log.put(name.clone(), body.clone());
                }
                Object::Invalid => {
                    log.hold(name.clone(), dependents(name));
                }
                Object::Catalogue => {
                    log.expect(name.clone());
                }
            }
        }
        self.logs[operator] = log;
    }

    fn with_log(&mut self, gateway: usize, act: impl FnOnce(&mut Gateway, &mut Log)) {
        let gateway = &mut self.gateways[gateway];
        if let Some(operator) = gateway.connection.as_ref().map(|connection| connection.operator) {
            act(gateway, &mut self.logs[operator]);
        }
    }

    /// Gateways that are connected stay so: a new stream would heal what the old one missed.
    fn connect_the_others(&mut self, operator: usize) {
        for gateway in &mut self.gateways {
            if gateway.connection.as_ref().is_none_or(|connection| connection.operator != operator) {
                gateway.connect(operator, &self.logs[operator]);
            }
        }
        settle(&mut self.gateways, &mut self.logs);
        // Whoever was told to subscribe again does so.
        if self.gateways.iter().any(|gateway| gateway.connection.is_none()) {
            self.connect_the_others(operator);
        }
    }

    fn connect_all(&mut self, operator: usize) {
        for gateway in &mut self.gateways {
            gateway.connect(operator, &self.logs[operator]);
        }
        settle(&mut self.gateways, &mut self.logs);
    }

    fn assert_in_step(&self, operator: usize) {
        let log = &self.logs[operator];
        for gateway in &self.gateways {
            assert_in_step(gateway, log);
            for (name, state) in log.iter().filter(|(_, state)| **state == State::Expected) {
                assert!(!gateway.in_force.contains_key(name), "{name} could have been adopted: {state:?}");
            }
        }
    }
}

fn dependents(name: &Name) -> Vec<Name> {
    vec![name.sibling(Kind::Route)]
}

/// One batch of an operator.
fn publish(log: &mut Log, edit: &Act) {
    match edit {
        Act::Put(name, body) => {
            log.put(name.clone(), body.clone());
        }
        Act::PutPair(route, generation) => {
            log.put(route.clone(), body(*generation, true));
            log.put(route.sibling(Kind::Policy), body(*generation, true));
        }
        Act::PutCatalogue(name, body, chunks) => {
            let names: Vec<_> = (0..*chunks).map(|index| Name::chunk(name.namespace(), name.name(), index)).collect();
            let superfluous: Vec<_> =
                log.chunks(name.namespace(), name.name()).filter(|chunk| !names.contains(chunk)).cloned().collect();
            for chunk in &superfluous {
                log.remove(chunk);
            }
            for chunk in &names {
                log.put(chunk.clone(), body.clone());
            }
            let chunks = names.iter().map(Name::to_string).collect();
            let digest = format!("{body:?}");
            let catalogue = proto::Catalogue { chunks, digest, ..proto::Catalogue::default() };
            log.put(name.clone(), Body::from(catalogue).encode());
        }
        Act::Hold(name) => {
            log.hold(name.clone(), dependents(name));
        }
        Act::Remove(name) => {
            let chunks: Vec<_> = log.chunks(name.namespace(), name.name()).cloned().collect();
            log.remove(name);
            if name.kind() == Kind::Catalogue {
                for chunk in &chunks {
                    log.remove(chunk);
                }
            }
        }
        Act::Revoke(name) => {
            log.revoke(name);
        }
        _ => {}
    }
}

fn chunk_body(generation: i64) -> Bytes {
    let tools = vec![proto::Tool { name: format!("tool-{generation}"), ..proto::Tool::default() }];
    Body::from(proto::Chunk { tools }).encode()
}

fn single() -> impl Strategy<Value = Name> {
    let kinds = prop_oneof![Just(Kind::Server), Just(Kind::Policy), Just(Kind::Secret)];
    (kinds, 0..3_usize).prop_map(|(kind, index)| Name::new(kind, "a", &format!("single-{index}")))
}

fn catalogue() -> impl Strategy<Value = Name> {
    (0..2_usize).prop_map(|index| Name::new(Kind::Catalogue, "a", &format!("server-{index}")))
}

fn act() -> impl Strategy<Value = Act> {
    let pair = (0..2_usize).prop_map(|index| Name::new(Kind::Route, "a", &format!("pair-{index}")));
    let own_assignment = (0..GATEWAYS).prop_map(|gateway| Name::assignment(&format!("gateway-{gateway}")));
    let gateway = || 0..GATEWAYS;
    let operator = || 0..OPERATORS;
    prop_oneof![
        4 => (single(), 0..4_i64, prop::bool::weighted(0.8)).prop_map(|(name, g, sound)| Act::Put(name, body(g, sound))),
        2 => (pair, 0..50_i64).prop_map(|(route, generation)| Act::PutPair(route, generation)),
        2 => (catalogue(), 0..4_i64, 0..3_usize).prop_map(|(name, g, chunks)| Act::PutCatalogue(name, chunk_body(g), chunks)),
        2 => single().prop_map(Act::Hold),
        2 => single().prop_map(Act::Remove),
        1 => catalogue().prop_map(Act::Remove),
        1 => single().prop_map(Act::Revoke),
        1 => (own_assignment, 0..3_i64).prop_map(|(name, g)| Act::Put(name, Body::from(proto::Assignment {
            gateway: g.to_string(), ..proto::Assignment::default()
        }).encode())),
        6 => gateway().prop_map(Act::Exchange),
        6 => gateway().prop_map(Act::Poll),
        10 => gateway().prop_map(Act::Down),
        8 => gateway().prop_map(Act::Up),
        1 => gateway().prop_map(Act::Disconnect),
        3 => (gateway(), operator()).prop_map(|(gateway, operator)| Act::Connect(gateway, operator)),
        1 => (operator(), any::<usize>()).prop_map(|(operator, turn)| Act::Restart(operator, turn)),
        1 => operator().prop_map(Act::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_ends_with_every_gateway_in_step(acts in vec(act(), 0..150), last in 0..OPERATORS) {
        let mut world = World::new();
        acts.into_iter().for_each(|act| world.act(act));
        world.connect_the_others(last);
        world.assert_in_step(last);

        // Nothing has changed: a new connection transfers nothing but what was rejected.
        world.gateways.iter_mut().for_each(|gateway| gateway.transferred.clear());
        world.connect_all(last);
        world.assert_in_step(last);
        for gateway in &world.gateways {
            let rejected = gateway.connection.as_ref().unwrap().session.rejected();
            prop_assert!(gateway.transferred.iter().all(|name| rejected.contains_key(name.as_str())), "{:?}", gateway.transferred);
        }

        // The other operator has the same objects in another order.
        let other = (last + 1) % OPERATORS;
        world.connect_all(other);
        world.assert_in_step(other);
    }
}
