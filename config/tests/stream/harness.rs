//! Gateways and operators in memory. Messages wait in queues until a test delivers them, one at a time.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use portolan_config::delta::client::{self, Change, Reaction};
use portolan_config::delta::server::{self, Event};
use portolan_config::proto::{self, FromGateway, FromOperator, Rejected, Step, from_gateway, from_operator};
use portolan_config::{Body, Kind, Log, Name, State, Version};

const REJECTED_PATH: &str = "/rejected";

/// A resource's body; gateways reject it if `sound` is false.
pub fn body(generation: i64, sound: bool) -> Bytes {
    let path = if sound { String::new() } else { REJECTED_PATH.to_owned() };
    Body::from(proto::Server { generation, path, ..proto::Server::default() }).encode()
}

pub fn generation(body: &Bytes) -> i64 {
    match Body::decode(Kind::Server, body) {
        Ok(Body::Server(server)) => server.generation,
        other => panic!("not a body of these tests: {other:?}"),
    }
}

pub fn is_sound(name: &Name, body: &Bytes) -> bool {
    let of_this_test = matches!(name.kind(), Kind::Server | Kind::Route | Kind::Policy | Kind::Secret);
    !of_this_test
        || !matches!(Body::decode(Kind::Server, body), Ok(Body::Server(server)) if server.path == REJECTED_PATH)
}

/// A gateway with what it would serve: a mirror that is made of `Change`s only.
pub struct Gateway {
    pub client: client::Session,
    pub in_force: BTreeMap<Name, (Version, Bytes)>,
    pub held: BTreeMap<Name, (Option<Version>, Vec<Name>)>,
    pub connection: Option<Connection>,
    /// Resources received since the test last looked.
    pub transferred: Vec<String>,
}

pub struct Connection {
    pub operator: usize,
    pub session: server::Session,
    down: VecDeque<FromOperator>,
    up: VecDeque<FromGateway>,
    subscribed_with: BTreeMap<String, String>,
}

impl Gateway {
    pub fn new(index: usize) -> Self {
        Self {
            client: client::Session::new(format!("gateway-{index}"), "default".to_owned(), "0.1.0".to_owned()),
            in_force: BTreeMap::new(),
            held: BTreeMap::new(),
            connection: None,
            transferred: Vec::new(),
        }
    }

    pub fn connect(&mut self, operator: usize, log: &Log) {
        let Some(from_gateway::Message::Subscribe(subscribe)) = self.client.subscribe().message else {
            panic!("a stream begins with a subscription")
        };
        let initial = subscribe.initial.iter().map(|held| (held.name.clone(), held.version.clone()));
        let subscribed_with = initial.collect();
        let session = server::Session::new(subscribe, log);
        let (down, up) = (VecDeque::new(), VecDeque::new());
        self.connection = Some(Connection { operator, session, down, up, subscribed_with });
    }

    pub fn poll(&mut self, log: &Log) {
        let Some(connection) = &mut self.connection else { return };
        for message in connection.session.poll(log) {
            match message.message {
                Some(from_operator::Message::Step(step)) => connection.down.extend(shattered(&step)),
                message => connection.down.push_back(FromOperator { message }),
            }
        }
    }

    /// Delivers one message to the gateway; false if there is none.
    pub fn deliver_down(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let Some(message) = connection.down.pop_front() else { return false };
        if let Some(from_operator::Message::Step(step)) = &message.message {
            for resource in &step.resources {
                let had = connection.subscribed_with.get(&resource.name);
                let initial = !connection.session.in_step();
                assert!(!initial || had != Some(&resource.version), "{} is no difference", resource.name);
                self.transferred.push(resource.name.clone());
            }
        }
        match self.client.on_message(message) {
            Ok(Reaction::None) => {}
            Ok(Reaction::Send(answer)) => connection.up.push_back(answer),
            Ok(Reaction::Refused { .. }) => self.connection = None,
            Ok(Reaction::Change(change)) => {
                let sequence = change.sequence;
                let rejected = self.put_in_force(change);
                let acknowledgement = self.client.applied(sequence, rejected);
                self.connection.as_mut().unwrap().up.push_back(acknowledgement);
            }
            Err(violation) => panic!("an honest operator broke the protocol: {violation}"),
        }
        true
    }

    /// Delivers one message to the operator; false if there is none.
    pub fn deliver_up(&mut self, log: &mut Log) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let Some(message) = connection.up.pop_front() else { return false };
        for event in connection.session.on_message(message, log) {
            assert!(!matches!(event, Event::Violated(_)), "an honest gateway broke the protocol: {event:?}");
        }
        true
    }

    fn put_in_force(&mut self, change: Change) -> Vec<Rejected> {
        for name in change.removed.iter().chain(&change.revoked) {
            self.in_force.remove(name);
            self.held.remove(name);
        }
        let mut rejected = Vec::new();
        for (name, version, body) in change.upserts {
            self.held.remove(&name);
            if is_sound(&name, &body) {
                self.in_force.insert(name, (version, body));
            } else {
                let reason = "its path".to_owned();
                rejected.push(Rejected { name: name.to_string(), version: version.to_string(), reason });
            }
        }
        for (name, version, dependents) in change.held {
            self.held.insert(name, (version, dependents));
        }
        self.check_pairs();
        rejected
    }

    /// A route and the policy that was put in the same batch are of one generation, at every moment.
    fn check_pairs(&self) {
        for (route, (_, body)) in self.in_force.iter().filter(|(name, _)| name.kind() == Kind::Route) {
            let policy = self.in_force.get(&route.sibling(Kind::Policy)).map(|(_, body)| generation(body));
            assert_eq!(policy, Some(generation(body)), "{route} is in force without its policy");
        }
    }
}

/// A step in the smallest parts that the protocol allows.
fn shattered(step: &Step) -> Vec<FromOperator> {
    let part = || Step { epoch: step.epoch, sequence: step.sequence, ..Step::default() };
    let mut parts: Vec<_> = step.resources.iter().map(|r| Step { resources: vec![r.clone()], ..part() }).collect();
    parts.extend(step.removed.iter().map(|name| Step { removed: vec![name.clone()], ..part() }));
    parts.extend(step.revoked.iter().map(|name| Step { revoked: vec![name.clone()], ..part() }));
    parts.extend(step.held.iter().map(|hold| Step { held: vec![hold.clone()], ..part() }));
    parts.push(Step { commit: step.commit, ..part() });
    parts.into_iter().map(FromOperator::from).collect()
}

/// Delivers everything until nobody has anything to say.
pub fn settle(gateways: &mut [Gateway], logs: &mut [Log]) {
    for _ in 0..10_000 {
        let mut moved = false;
        for gateway in gateways.iter_mut() {
            let Some(operator) = gateway.connection.as_ref().map(|connection| connection.operator) else { continue };
            gateway.poll(&logs[operator]);
            while gateway.deliver_down() {
                moved = true;
            }
            while gateway.deliver_up(&mut logs[operator]) {
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
    panic!("gateways and operators never come to rest");
}

/// A gateway that has settled serves what the log says.
pub fn assert_in_step(gateway: &Gateway, log: &Log) {
    let connection = gateway.connection.as_ref().expect("connected");
    assert_eq!(connection.session.acked(), log.sequence());
    let told: Vec<_> = gateway.client.applied_set().map(|(name, version, body)| (name, (version, body))).collect();
    let mirrored: Vec<_> = gateway.in_force.iter().map(|(name, (version, body))| (name, (*version, body))).collect();
    assert_eq!(told, mirrored, "the session knows what is in force");

    let mut in_force = gateway.in_force.clone();
    let mut held = gateway.held.clone();
    let own = Name::assignment(connection.session.gateway());
    for (name, state) in log.iter().filter(|(name, _)| name.kind() != Kind::Assignment || **name == own) {
        let mine = in_force.remove(name);
        match (log.get(name), state) {
            (Some((version, body)), _) if is_sound(name, &body) => assert_eq!(mine, Some((version, body)), "{name}"),
            (Some((version, _)), _) => {
                let rejected = connection.session.rejected().get(name).map(|(version, _)| *version);
                assert_eq!(rejected, Some(version), "{name}");
                assert_ne!(mine.map(|(version, _)| version), Some(version), "{name} was rejected");
            }
            (None, State::Expected) => {}
            (None, _) => assert_eq!(mine, None, "{name}"),
        }
        if let State::Held { dependents, .. } = state {
            let (version, told) = held.remove(name).unwrap_or_else(|| panic!("{name} is held"));
            assert_eq!(told, *dependents, "{name}");
            assert!(version.is_some() || !gateway.in_force.contains_key(name), "{name}");
        }
    }
    in_force.retain(|name, _| log.state(&name.sibling(Kind::Catalogue)) != Some(&State::Expected));
    assert_eq!(in_force, BTreeMap::new(), "nothing that the log lacks");
    assert_eq!(held, BTreeMap::new(), "nothing that the log does not hold");
}
