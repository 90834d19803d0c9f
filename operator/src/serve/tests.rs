use std::future::Future;

use portolan_config::{
    delta::client::{Reaction, Session},
    proto::configuration_client::ConfigurationClient,
};

use super::*;
use crate::fixtures::{files, read, remote};

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
