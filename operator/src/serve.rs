//! The stream to gateways: tonic on one side, in-process channels on the other, the same driver behind both.
//!
//! Moves messages. What they mean is decided by the delta session and the operator's core.

pub mod drive;

use std::{net::SocketAddr, pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use portolan_config::proto::{
    FromGateway, FromOperator,
    configuration_server::{Configuration, ConfigurationServer},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming, transport::Server};

use crate::operator::Operator;

/// Largest message of a gateway: a fetched chunk of at most 1 MiB, or the names and versions of all that it has in force.
const LARGEST_MESSAGE: usize = 16 << 20;

/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Messages under way to one gateway: the delta protocol has one step in flight, so more would only be memory.
const OUTBOUND: usize = 4;

/// Refuses an address that would show secrets to the network: the stream is plaintext.
pub fn check_address(address: SocketAddr) -> Result<(), NotLoopback> {
    if address.ip().is_loopback() { Ok(()) } else { Err(NotLoopback(address)) }
}

/// The stream carries secrets in plaintext, so it listens on loopback addresses only.
#[derive(Debug, thiserror::Error)]
#[error("--listen {0}: the stream carries secrets and is not encrypted, so it listens on loopback addresses only (127.0.0.1 or [::1])")]
pub struct NotLoopback(SocketAddr);

/// Serves the configuration stream on `listener` until `stop`; open streams are ended then, and gateways serve on with what they have.
pub async fn serve(listener: TcpListener, operator: Operator, stop: CancellationToken) -> Result<(), tonic::transport::Error> {
    let service = Service { operator, tasks: TaskTracker::new(), stop: stop.clone() };
    let service = ConfigurationServer::new(service)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(service)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.cancelled_owned())
        .await
}

/// Opens a stream inside this process: what a gateway sends and what it receives.
pub fn connect(operator: &Operator) -> (mpsc::Sender<FromGateway>, mpsc::Receiver<FromOperator>) {
    let (to_operator, inbound) = mpsc::channel(OUTBOUND);
    let (outbound, to_gateway) = mpsc::channel(OUTBOUND);
    tokio::spawn(drive::drive(operator.clone(), ReceiverStream::new(inbound), outbound));
    (to_operator, to_gateway)
}

struct Service {
    operator: Operator,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl Configuration for Service {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<FromOperator, Status>> + Send>>;

    async fn stream(&self, request: Request<Streaming<FromGateway>>) -> Result<Response<Self::StreamStream>, Status> {
        let (outbound, to_gateway) = mpsc::channel(OUTBOUND);
        // A broken stream ends like a closed one: the gateway comes back and says what it has.
        let inbound = request.into_inner().map_while(|message: Result<FromGateway, Status>| message.ok()).boxed();
        let (operator, stop) = (self.operator.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(drive::drive(operator, inbound, outbound)).await });
        Ok(Response::new(Box::pin(ReceiverStream::new(to_gateway).map(Ok))))
    }
}
