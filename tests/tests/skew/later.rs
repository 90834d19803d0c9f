//! What a later release may say: fields, messages and kinds of resources that this one does not know.

use bytes::Bytes;
use portolan_config::delta::client::{Change, Reaction, Session};
use portolan_config::delta::server;
use portolan_config::proto::{
    Ack, FromGateway, FromOperator, Hold, Resource, Server, Step, Subscribe, from_gateway, from_operator,
};
use portolan_config::{Body, Log, Name, Version};
use prost::Message;

/// Field 1000, a text, in whatever message it is appended to.
fn unknown() -> Vec<u8> {
    let key = (1000 << 3) | 2_u64;
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(key, &mut bytes);
    bytes.extend_from_slice(b"\x05later");
    bytes
}

/// A message in field `number` of an envelope, both with a field that nobody knows.
fn envelope(number: u64, message: &impl Message) -> Vec<u8> {
    let inner = [message.encode_to_vec(), unknown()].concat();
    let mut bytes = Vec::new();
    prost::encoding::encode_varint((number << 3) | 2, &mut bytes);
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend(inner);
    bytes.extend(unknown());
    bytes
}

fn resource(name: &str, body: Bytes) -> Resource {
    Resource { name: name.to_owned(), version: Version::of(&body).to_string(), body }
}

fn subscribed() -> Session {
    let mut session = Session::new("gateway-0".to_owned(), "default".to_owned(), "test".to_owned());
    session.subscribe();
    session
}

fn change(session: &mut Session, step: Step) -> Change {
    match session.on_message(step.into()).unwrap() {
        Reaction::Change(change) => change,
        other => panic!("no change: {other:?}"),
    }
}

fn ack(message: FromGateway) -> Ack {
    match message.message {
        Some(from_gateway::Message::Ack(ack)) => ack,
        other => panic!("no acknowledgement: {other:?}"),
    }
}

#[test]
fn fields_that_this_release_does_not_know_are_as_if_they_were_not_there() {
    let subscribe = Subscribe { gateway: "g".to_owned(), schema: 2, ..Subscribe::default() };
    let read = FromGateway::decode(envelope(1, &subscribe).as_slice()).unwrap();
    assert_eq!(read.message, Some(from_gateway::Message::Subscribe(subscribe)));
    let step = Step { epoch: 3, sequence: 7, commit: true, ..Step::default() };
    let read = FromOperator::decode(envelope(1, &step).as_slice()).unwrap();
    assert_eq!(read.message, Some(from_operator::Message::Step(step)));
}

#[test]
fn a_gateway_of_a_later_release_is_served_and_messages_that_nobody_knows_are_passed_over() {
    let mut log = Log::new();
    log.put("Server/a/b".parse().unwrap(), Body::from(Server::default()).encode());
    let subscribe = Subscribe { gateway: "g".to_owned(), schema: 2, ..Subscribe::default() };
    let mut session = server::Session::new(subscribe, &log);
    assert_eq!(session.poll(&log).len(), 1, "the initial step");
    let unknown = FromGateway::decode(envelope(900, &Step::default()).as_slice()).unwrap();
    assert!(session.on_message(unknown, &mut log).is_empty());
    let events = session.on_message(Ack { sequence: log.sequence(), rejected: Vec::new() }.into(), &mut log);
    assert_eq!(events, [server::Event::Acked(log.sequence())], "the stream goes on");
}

#[test]
fn a_message_of_a_later_operator_that_nobody_knows_is_passed_over_in_the_middle_of_a_step() {
    let mut session = subscribed();
    let part = Step { sequence: 1, resources: vec![resource("Server/a/b", Bytes::new())], ..Step::default() };
    assert_eq!(session.on_message(part.into()).unwrap(), Reaction::None);
    let unknown = FromOperator::decode(envelope(900, &Step::default()).as_slice()).unwrap();
    assert_eq!(session.on_message(unknown).unwrap(), Reaction::None);
    let change = change(&mut session, Step { sequence: 1, commit: true, ..Step::default() });
    assert_eq!(change.upserts.len(), 1);
}

#[test]
fn a_resource_of_a_kind_that_this_release_does_not_know_is_refused_by_name_and_the_rest_of_its_step_is_in_force() {
    let mut session = subscribed();
    let step = Step {
        sequence: 1,
        commit: true,
        resources: vec![
            resource("Quota/a/later", Bytes::from_static(b"later")),
            resource("Server/a/b", Body::from(Server::default()).encode()),
        ],
        ..Step::default()
    };
    let change = change(&mut session, step);
    let acknowledged = ack(session.applied(change.sequence, Vec::new()));
    assert_eq!(acknowledged.rejected.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Quota/a/later"]);
    assert_eq!(session.applied_set().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["Server/a/b"]);
}

#[test]
fn what_is_said_of_names_that_this_release_does_not_know_closes_and_removes_nothing_else() {
    let mut session = subscribed();
    let first = Step {
        sequence: 1,
        commit: true,
        resources: vec![resource("Server/a/b", Body::from(Server::default()).encode())],
        ..Step::default()
    };
    let applied = change(&mut session, first);
    session.applied(applied.sequence, Vec::new());
    let held = Hold {
        name: "Policy/a/p".to_owned(),
        dependents: vec!["Quota/a/later".to_owned(), "Server/a/b".to_owned()],
        ..Hold::default()
    };
    let unknown = Hold { name: "Quota/a/held".to_owned(), ..Hold::default() };
    let step = Step {
        sequence: 2,
        commit: true,
        removed: vec!["Quota/a/x".to_owned()],
        revoked: vec!["Quota/a/y".to_owned()],
        held: vec![held, unknown],
        ..Step::default()
    };
    let change = change(&mut session, step);
    assert!(change.removed.is_empty() && change.revoked.is_empty());
    let expected: (Name, Option<Version>, Vec<Name>) =
        ("Policy/a/p".parse().unwrap(), None, vec!["Server/a/b".parse().unwrap()]);
    assert_eq!(change.held, [expected]);
}
