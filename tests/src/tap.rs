//! Stands between a gateway and its operator, passes every message on as it is, and keeps what the operator said.

use std::{net::SocketAddr, pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _};
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use portolan_config::proto::{
    FromGateway, FromOperator,
    configuration_client::ConfigurationClient,
    configuration_server::{Configuration, ConfigurationServer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tonic::{Request, Response, Status, Streaming, codegen::Service as _, transport::Endpoint};

/// Largest message: a chunk of 1 MiB, and names.
const MESSAGE_BYTES: usize = 8 << 20;

/// A listener between the two.
pub struct Tap {
    /// Where gateways connect.
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<FromOperator>>>,
    serving: JoinHandle<()>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Tap {
    /// Listens in front of an operator.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(operator: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let wire = Wire { operator: format!("http://{operator}"), heard: Arc::clone(&heard) };
        let service = ConfigurationServer::new(wire).max_decoding_message_size(MESSAGE_BYTES);
        let serving = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, service.clone()));
            }
        });
        Ok(Self { address, heard, serving })
    }

    /// All that the operator has said so far.
    #[must_use]
    pub fn heard(&self) -> Vec<FromOperator> {
        self.heard.lock().clone()
    }
}

/// A connection that ends is what tests do.
async fn connection(stream: TcpStream, service: ConfigurationServer<Wire>) {
    let service = service_fn(move |request| service.clone().call(request));
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

#[derive(Clone)]
struct Wire {
    operator: String,
    heard: Arc<Mutex<Vec<FromOperator>>>,
}

#[tonic::async_trait]
impl Configuration for Wire {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<FromOperator, Status>> + Send>>;

    async fn stream(&self, request: Request<Streaming<FromGateway>>) -> Result<Response<Self::StreamStream>, Status> {
        let failed = |error: tonic::transport::Error| Status::unavailable(error.to_string());
        let channel = Endpoint::from_shared(self.operator.clone()).map_err(failed)?.connect().await.map_err(failed)?;
        let mut client = ConfigurationClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        // A broken stream ends like a closed one.
        let from_gateway = request.into_inner().take_while(|message| std::future::ready(message.is_ok()));
        let answer = client.stream(from_gateway.filter_map(|message| std::future::ready(message.ok()))).await?;
        let heard = Arc::clone(&self.heard);
        let from_operator = answer.into_inner().inspect(move |message| {
            if let Ok(message) = message {
                heard.lock().push(message.clone());
            }
        });
        Ok(Response::new(Box::pin(from_operator)))
    }
}
