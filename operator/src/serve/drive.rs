//! Drives one gateway's stream: its messages into the core, the core's steps to it.

use std::time::Duration;

use futures::{Stream, StreamExt};
use portolan_config::proto::{FromGateway, FromOperator, Refused, from_gateway, from_operator};
use tokio::sync::mpsc::Sender;

use crate::{
    core::Flow,
    operator::{Link, Operator},
};

/// Longest wait for the first message.
const SUBSCRIBE: Duration = Duration::from_secs(10);

/// Runs until either side is gone. A gateway that cannot be served is told why, and the stream ends.
pub async fn drive(operator: Operator, inbound: impl Stream<Item = FromGateway>, outbound: Sender<FromOperator>) {
    let mut inbound = std::pin::pin!(inbound);
    let Ok(Some(first)) = tokio::time::timeout(SUBSCRIBE, inbound.next()).await else { return };
    let mut link = match open(&operator, first) {
        Ok(link) => link,
        Err(refused) => {
            tracing::info!(reason = refused.reason, holder = refused.holder, "gateway refused");
            let _ = outbound.send(refused.into()).await;
            return;
        }
    };
    tracing::info!(gateway = link.gateway(), "gateway connected");
    let mut published = operator.published();
    let mut let_go = std::pin::pin!(link.let_go());
    loop {
        for message in link.poll() {
            let refused = matches!(message.message, Some(from_operator::Message::Refused(_)));
            if outbound.send(message).await.is_err() || refused {
                return;
            }
        }
        tokio::select! {
            message = inbound.next() => match message {
                Some(message) => if link.receive(message) == Flow::End { return },
                None => return,
            },
            changed = published.changed() => if changed.is_err() { return },
            refused = &mut let_go => {
                let _ = outbound.send(refused.into()).await;
                return;
            }
            () = outbound.closed() => return,
        }
    }
}

fn open(operator: &Operator, first: FromGateway) -> Result<Link, Refused> {
    match first.message {
        Some(from_gateway::Message::Subscribe(subscribe)) => operator.subscribe(subscribe),
        _ => Err(Refused { reason: "the first message is not Subscribe".to_owned(), holder: String::new() }),
    }
}
