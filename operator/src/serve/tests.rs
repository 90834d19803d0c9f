use std::future::Future;

use portolan_config::{
    delta::client::{Reaction, Session},
    proto::{Refused, Subscribe, configuration_client::ConfigurationClient, from_operator},
};

use super::*;
use crate::{
    fixtures::{files, read, remote},
    lease::Tenure,
};

/// Every wait of these tests is for an event; this only bounds them.
const PATIENCE: Duration = Duration::from_secs(10);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

fn operator() -> Operator {
    let operator = Operator::new(files());
    operator.replace_all(vec![read(remote("web"))]);
    operator.publish_now();
    operator
}

/// Receives until a step is complete, acknowledges it, and returns the names in force.
async fn step(
    session: &mut Session,
    to_operator: &mpsc::Sender<FromGateway>,
    messages: &mut (impl Stream<Item = FromOperator> + Unpin),
) -> Vec<String> {
    loop {
        let message = within(messages.next()).await.expect("a message");
        if let Reaction::Change(change) = session.on_message(message).unwrap() {
            to_operator.send(session.applied(change.sequence, Vec::new())).await.unwrap();
            return session.applied_set().map(|(name, ..)| name.to_string()).collect();
        }
    }
}

async fn acknowledged(operator: &Operator) {
    let mut changes = operator.status_changes();
    let sequence = operator.size().sequence;
    within(async {
        while operator.describe()["gateways"][0]["acknowledged"] != sequence {
            changes.changed().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_inside_the_process_speaks_the_whole_protocol() {
    let operator = operator();
    let mut session = Session::new("gw".into(), "default".into(), "test".into());
    let (to_operator, from_operator) = connect(&operator);
    let mut messages = ReceiverStream::new(from_operator);
    to_operator.send(session.subscribe()).await.unwrap();
    assert!(step(&mut session, &to_operator, &mut messages).await.contains(&"Server/shop/web".to_owned()));
    operator.apply(read(remote("other")));
    operator.publish_now();
    assert!(step(&mut session, &to_operator, &mut messages).await.contains(&"Server/shop/other".to_owned()));
    acknowledged(&operator).await;
    drop(to_operator);
    assert!(within(messages.next()).await.is_none(), "the stream ends with its gateway");
    assert_eq!(operator.size().gateways, 0);
}

#[tokio::test]
async fn a_stream_over_the_network_is_the_same() {
    let operator = operator();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, operator.clone(), None, stop.clone()));
    let mut session = Session::new("gw".into(), "default".into(), "test".into());
    let (to_operator, outbound) = mpsc::channel(4);
    to_operator.send(session.subscribe()).await.unwrap();
    let mut client = ConfigurationClient::new(
        within(tonic::transport::Endpoint::from_shared(url).unwrap().connect()).await.unwrap(),
    );
    let inbound = within(client.stream(ReceiverStream::new(outbound))).await.unwrap().into_inner();
    let mut messages = inbound.map_while(Result::ok);
    assert!(step(&mut session, &to_operator, &mut messages).await.contains(&"Server/shop/web".to_owned()));
    stop.cancel();
    assert!(within(messages.next()).await.is_none(), "open streams end with the operator");
    within(serving).await.unwrap();
    assert_eq!(operator.size().gateways, 0);
}

#[tokio::test]
async fn a_gateway_of_another_fleet_is_told_why_and_the_stream_ends() {
    let operator = operator();
    let mut session = Session::new("gw".into(), "edge".into(), "test".into());
    let (to_operator, from_operator) = connect(&operator);
    let mut messages = ReceiverStream::new(from_operator);
    to_operator.send(session.subscribe()).await.unwrap();
    let message = within(messages.next()).await.unwrap();
    let Ok(Reaction::Refused { reason, .. }) = session.on_message(message) else { panic!("not refused") };
    assert_eq!(reason, "this operator serves fleet \"default\"");
    assert!(within(messages.next()).await.is_none());
}

#[tokio::test]
async fn a_stream_that_does_not_begin_with_a_subscription_is_refused() {
    let operator = operator();
    let (to_operator, from_operator) = connect(&operator);
    to_operator.send(portolan_config::proto::Drain {}.into()).await.unwrap();
    let mut messages = ReceiverStream::new(from_operator);
    assert!(within(messages.next()).await.is_some());
    assert!(within(messages.next()).await.is_none());
}

/// What a new gateway is told first.
async fn refusal(operator: &Operator, highest_epoch: u64) -> Refused {
    let subscribe =
        Subscribe { gateway: "gw".into(), fleet: "default".into(), schema: 1, highest_epoch, ..Subscribe::default() };
    let (to_operator, mut messages) = connect(operator);
    to_operator.send(subscribe.into()).await.unwrap();
    match within(messages.recv()).await.unwrap().message {
        Some(from_operator::Message::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_stand_by_refuses_gateways_with_the_name_of_the_holder() {
    let operator = operator();
    operator.set_tenure(Tenure::StandBy { holder: Some("operator-1".into()) });
    assert_eq!(refusal(&operator, 0).await.holder, "operator-1");
    assert_eq!(operator.size().gateways, 0);
    operator.set_tenure(Tenure::StandBy { holder: None });
    assert_eq!(refusal(&operator, 0).await.holder, "");
}

#[tokio::test]
async fn steps_carry_the_epoch_of_the_lease_and_a_stream_ends_when_somebody_else_has_it() {
    let operator = operator();
    let until = std::time::Instant::now() + PATIENCE;
    operator.set_tenure(Tenure::Holder { epoch: 7, until });
    let mut session = Session::new("gw".into(), "default".into(), "test".into());
    let (to_operator, from_operator) = connect(&operator);
    let mut messages = ReceiverStream::new(from_operator);
    to_operator.send(session.subscribe()).await.unwrap();
    let first = within(messages.next()).await.unwrap();
    assert!(matches!(&first.message, Some(from_operator::Message::Step(step)) if step.epoch == 7), "{first:?}");

    operator.set_tenure(Tenure::CutOff { epoch: 7, rounds: 0 });
    operator.set_tenure(Tenure::Holder { epoch: 7, until });
    assert_eq!(operator.size().gateways, 1, "a renewal that came late ends nothing");
    operator.set_tenure(Tenure::StandBy { holder: Some("operator-1".into()) });
    let last = within(messages.next()).await.unwrap();
    assert!(matches!(&last.message, Some(from_operator::Message::Refused(refused)) if refused.holder == "operator-1"));
    assert!(within(messages.next()).await.is_none());
}

#[tokio::test]
async fn a_gateway_that_has_followed_a_later_epoch_is_refused_and_its_claim_is_passed_on() {
    let operator = operator();
    let mut claims = operator.claims();
    operator.set_tenure(Tenure::Holder { epoch: 3, until: std::time::Instant::now() + PATIENCE });
    assert_eq!(refusal(&operator, 9).await.reason, "a later lease holder has been seen");
    within(claims.changed()).await.unwrap();
    assert_eq!(*claims.borrow(), 9);
}

#[tokio::test]
async fn only_who_holds_the_lease_has_statuses_to_write() {
    let operator = operator();
    operator.set_tenure(Tenure::StandBy { holder: None });
    assert_eq!(operator.next_update(), None);
    let now = std::time::Instant::now();
    operator.set_tenure(Tenure::Holder { epoch: 1, until: now });
    assert_eq!(operator.next_update(), None, "it has ended");
    operator.set_tenure(Tenure::Holder { epoch: 1, until: now + PATIENCE });
    assert!(operator.next_update().is_some(), "what was due while it stood by is still due");
}
