//! Where the configuration stream comes from: operators by gRPC, or the operator's core in the same process.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use portolan_config::proto::configuration_client::ConfigurationClient;
use portolan_config::proto::{FromGateway, FromOperator};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::tls::Tls;
use crate::followed::Followed;

/// Messages in flight in either direction; the other side waits for more room.
const IN_FLIGHT: usize = 16;
/// Largest message: a step's chunk is at most 1 MiB, and its names.
const MESSAGE_BYTES: usize = 8 << 20;

/// An open stream.
pub struct Link {
    /// To the operator.
    pub sender: mpsc::Sender<FromGateway>,
    /// From it; an error ends the stream.
    pub receiver: mpsc::Receiver<Result<FromOperator, String>>,
}

/// Where a gateway's configuration comes from.
pub enum ConfigSource {
    /// Operators, tried in turn.
    Operators {
        /// Their endpoints.
        endpoints: Vec<Endpoint>,
        /// The one to try next.
        next: usize,
        /// What proves to them who we are; `None` where they are on this machine.
        tls: Option<Followed<Tls>>,
    },
    /// An operator's core in this process: a function that opens a stream to it.
    Core(Box<dyn FnMut() -> Link + Send>),
}

impl ConfigSource {
    /// Operators at these URLs, with the folder of a certificate for those that are `https`.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn operators(urls: &[Url], tls_dir: Option<&Path>) -> anyhow::Result<Self> {
        let tls = tls_dir.map(Tls::load).transpose().context("--tls-dir")?;
        let endpoints = urls.iter().map(|url| {
            let endpoint = Endpoint::from_shared(url.to_string()).with_context(|| format!("operator {url}"))?;
            Ok(endpoint
                .connect_timeout(Duration::from_secs(2))
                .http2_keep_alive_interval(Duration::from_secs(10))
                .keep_alive_timeout(Duration::from_secs(5))
                .keep_alive_while_idle(true))
        });
        Ok(Self::Operators { endpoints: endpoints.collect::<anyhow::Result<_>>()?, next: 0, tls })
    }

    /// The files of an encrypted stream.
    pub(crate) fn tls(&self) -> Option<Followed<Tls>> {
        match self {
            Self::Operators { tls, .. } => tls.clone(),
            Self::Core(_) => None,
        }
    }

    /// Opens a stream with `subscribe` as its first message.
    pub async fn open(&mut self, subscribe: FromGateway) -> Result<Link, String> {
        match self {
            Self::Operators { endpoints, next, tls } => {
                let endpoint = endpoints.get(*next % endpoints.len().max(1)).ok_or("no operator is known")?;
                *next += 1;
                dial(endpoint, tls.as_ref(), subscribe).await
            }
            Self::Core(open) => {
                let link = open();
                link.sender.send(subscribe).await.map_err(|_| "the core has stopped".to_owned())?;
                Ok(link)
            }
        }
    }
}

async fn dial(endpoint: &Endpoint, tls: Option<&Followed<Tls>>, subscribe: FromGateway) -> Result<Link, String> {
    let connector = tls.map(|tls| tls.current().connector());
    let channel: Channel = match connector {
        Some(connector) => endpoint.connect_with_connector(connector).await,
        None => endpoint.connect().await,
    }
    .map_err(|error| describe(&error))?;
    let mut client = ConfigurationClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
    let (sender, outgoing) = mpsc::channel(IN_FLIGHT);
    // The first message goes ahead of the call: the operator answers only when it has it.
    sender.send(subscribe).await.map_err(|_| "the stream ended".to_owned())?;
    let response = client.stream(ReceiverStream::new(outgoing)).await.map_err(|status| words(&status))?;
    let mut incoming = response.into_inner();
    let (forward, receiver) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(async move {
        while let Some(message) = incoming.next().await {
            let message = message.map_err(|status| words(&status));
            let failed = message.is_err();
            if forward.send(message).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(Link { sender, receiver })
}

/// What an operator said, or what became of the connection: who is refused in a handshake learns it only when the call fails.
fn words(status: &Status) -> String {
    std::error::Error::source(status).map_or_else(|| status.message().to_owned(), describe)
}

/// The innermost cause: tonic's own words say only "transport error".
fn describe(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
