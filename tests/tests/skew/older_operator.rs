//! A gateway of this release, as a process, before an operator that says what the first release's operator said.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt};
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use portolan_config::delta::client::{Reaction, Session};
use portolan_config::proto::configuration_server::{Configuration, ConfigurationServer};
use portolan_config::proto::{Ack, FromGateway, FromOperator, from_gateway, from_operator};
use portolan_config::recording;
use portolan_tests::{eventually::eventually, process::Process, request::Request};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::{Request as Call, Response, Status, Streaming, codegen::Service as _};

/// Says what was recorded, step by step, each after the acknowledgement of the one before.
#[derive(Clone)]
struct Recorded {
    steps: Arc<Vec<FromOperator>>,
    acks: Arc<Mutex<Vec<Ack>>>,
}

#[tonic::async_trait]
impl Configuration for Recorded {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<FromOperator, Status>> + Send>>;

    async fn stream(&self, request: Call<Streaming<FromGateway>>) -> Result<Response<Self::StreamStream>, Status> {
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(self.clone().play(request.into_inner(), sender));
        Ok(Response::new(Box::pin(receiver.map(Ok))))
    }
}

/// The gateway's next acknowledgement, whatever it says before.
async fn acknowledged(gateway: &mut Streaming<FromGateway>) -> Option<Ack> {
    loop {
        if let Some(from_gateway::Message::Ack(ack)) = gateway.next().await?.ok()?.message {
            return Some(ack);
        }
    }
}

impl Recorded {
    async fn play(self, mut gateway: Streaming<FromGateway>, mut sender: mpsc::Sender<FromOperator>) {
        for message in self.steps.iter() {
            let commits = matches!(&message.message, Some(from_operator::Message::Step(step)) if step.commit);
            if sender.send(message.clone()).await.is_err() {
                return;
            }
            if commits {
                let Some(ack) = acknowledged(&mut gateway).await else { return };
                self.acks.lock().push(ack);
            }
        }
        // Whatever else the gateway says is heard, as long as it is there.
        while let Some(Ok(_)) = gateway.next().await {}
    }

    async fn serve(self) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let service = ConfigurationServer::new(self);
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                let service = service_fn(move |request| service.clone().call(request));
                tokio::spawn(async move {
                    let _ =
                        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok((address, serving))
    }
}

/// Names and versions that the protocol alone says are in force after these steps.
fn in_force(steps: &[FromOperator]) -> BTreeSet<(String, String)> {
    let mut session = Session::new("gateway-0".to_owned(), "default".to_owned(), "test".to_owned());
    session.subscribe();
    for message in steps {
        if let Reaction::Change(change) = session.on_message(message.clone()).unwrap() {
            session.applied(change.sequence, Vec::new());
        }
    }
    session.applied_set().map(|(name, version, _)| (name.to_string(), version.to_string())).collect()
}

#[tokio::test]
async fn a_gateway_serves_what_the_first_releases_operator_says() -> anyhow::Result<()> {
    let said: Vec<FromOperator> = recording::read(&mut File::open(super::fixture("stream-0.1.0.bin"))?)?;
    // What was fetched from the gateway that was there then is not asked of this one.
    let is_step = |message: &FromOperator| matches!(message.message, Some(from_operator::Message::Step(_)));
    let steps: Vec<FromOperator> = said.into_iter().filter(is_step).collect();
    let expected = in_force(&steps);
    let commits = steps
        .iter()
        .filter(|message| matches!(&message.message, Some(from_operator::Message::Step(step)) if step.commit))
        .count();
    let recorded = Recorded { steps: Arc::new(steps), acks: Arc::default() };
    let (address, serving) = recorded.clone().serve().await?;

    let url = format!("http://{address}");
    let arguments = [
        "--name",
        "gateway-0",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--operator",
        &url,
    ];
    let (_gateway, at) = Process::start("portolan-gateway", &arguments).await?;
    eventually("every step is acknowledged", async || (recorded.acks.lock().len() == commits).then_some(())).await;
    assert!(recorded.acks.lock().iter().all(|ack| ack.rejected.is_empty()), "{:?}", recorded.acks.lock());
    let config = Request::get("/config").send(at.admin).await?.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let shown = config["resources"].as_array().unwrap().iter();
    let shown: BTreeSet<(String, String)> = shown.map(|one| (text(&one["name"]), text(&one["version"]))).collect();
    assert_eq!(shown, expected);
    serving.abort();
    Ok(())
}
