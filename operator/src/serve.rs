//! The stream to gateways: tonic on one side, in-process channels on the other, the same driver behind both.
//!
//! Moves messages. What they mean is decided by the delta session and the operator's core.

pub mod drive;
pub mod tls;

use std::{net::SocketAddr, pin::Pin, time::Duration};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use portolan_config::{
    limits,
    proto::{
        FromGateway, FromOperator,
        configuration_server::{Configuration, ConfigurationServer},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming, codegen::Service as _};

use self::tls::Door;
use crate::operator::Operator;

/// Connections and streams at a time: one of each for every gateway of the largest fleet, twice while it reconnects.
const CONNECTIONS: usize = 2000;

/// Pause after an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Messages under way to one gateway: the delta protocol has one step in flight, so more would only be memory.
const OUTBOUND: usize = 4;

/// Serves the configuration stream on `listener` until `stop`; open streams are ended then, and gateways serve on with what they have. Without a
/// door whoever connects is served in plain text: the listener must be on a loopback address.
pub async fn serve(listener: TcpListener, operator: Operator, mut door: Option<Door>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let service = Service { operator, tasks: tasks.clone(), stop: stop.clone() };
    let service = ConfigurationServer::new(service)
        .max_decoding_message_size(limits::MESSAGE_BYTES)
        .max_encoding_message_size(limits::MESSAGE_BYTES);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((socket, peer)) = accepted else {
            // Out of file descriptors, most likely: a pause keeps the loop from spinning.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if tasks.len() >= CONNECTIONS {
            tracing::warn!(%peer, "too many connections");
            continue;
        }
        if let Some(door) = &mut door {
            door.refresh();
        }
        let (door, service, stop) = (door.clone(), service.clone(), stop.clone());
        tasks.spawn(async move { stop.run_until_cancelled(admitted(socket, peer, door, service)).await });
    }
    tasks.close();
    tasks.wait().await;
}

/// One peer, as far as the door lets it.
async fn admitted(socket: TcpStream, peer: SocketAddr, door: Option<Door>, service: ConfigurationServer<Service>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let ended = match door {
        None => connection(socket, service).await,
        Some(door) => match door.admit(socket).await {
            Ok(stream) => connection(stream, service).await,
            Err(reason) => return tracing::warn!(%peer, %reason, "peer refused"),
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// One connection: HTTP/2 with prior knowledge, which is what gRPC speaks.
async fn connection(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: ConfigurationServer<Service>,
) -> Result<(), hyper::Error> {
    let service = service_fn(move |request| service.clone().call(request));
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(KEEPALIVE))
        .keep_alive_timeout(KEEPALIVE)
        .max_concurrent_streams(4)
        .serve_connection(TokioIo::new(socket), service)
        .await
}

/// Opens a stream inside this process, which speaks the same protocol as one over the network: what a gateway sends and what it receives.
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
        let inbound = request.into_inner().map_while(|message: Result<FromGateway, Status>| message.ok());
        let (operator, stop) = (self.operator.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(drive::drive(operator, inbound, outbound)).await });
        Ok(Response::new(Box::pin(ReceiverStream::new(to_gateway).map(Ok))))
    }
}

#[cfg(test)]
mod tests;
