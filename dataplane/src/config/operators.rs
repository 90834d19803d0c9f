//! The operators that a gateway may follow: every address that their URLs have, since a Service without an address of its own stands for
//! several replicas of which one serves.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use portolan_config::limits;
use portolan_config::proto::FromGateway;
use portolan_config::proto::configuration_client::ConfigurationClient;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::link::Link;
use super::rounds::{Place, Rounds};
use super::tls::Tls;
use crate::followed::Followed;

/// The port of the configuration stream.
const PORT: u16 = 8090;
/// Messages in flight in either direction; the other side waits for more room.
const IN_FLIGHT: usize = 16;
/// Longest wait for a connection, and for the answer to a call on it: the next replica may be the one.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(2);
/// How often a silent operator is asked whether it lives, and how long it may take to say so: less than it takes until another one serves.
const KEEPALIVE: Duration = Duration::from_secs(2);
const ALIVE: Duration = Duration::from_secs(3);

/// Operators, and the round that is under way.
pub struct Operators {
    known: Vec<Known>,
    rounds: Rounds,
    /// What proves to them who we are; `None` where they are on this machine.
    tls: Option<Followed<Tls>>,
}

/// One URL.
struct Known {
    endpoint: Endpoint,
    host: String,
    port: u16,
    /// The last answer of the resolver: it outlives one that is broken.
    addresses: Vec<SocketAddr>,
}

impl Operators {
    /// Operators at these URLs.
    pub(super) fn new(urls: &[Url], tls: Option<Followed<Tls>>) -> anyhow::Result<Self> {
        let known = urls.iter().map(|url| Known::new(url).with_context(|| format!("operator {url}")));
        Ok(Self { known: known.collect::<anyhow::Result<_>>()?, rounds: Rounds::default(), tls })
    }

    /// The files of an encrypted stream.
    pub(super) fn tls(&self) -> Option<Followed<Tls>> {
        self.tls.clone()
    }

    /// Opens a stream to the next address, with `subscribe` as its first message.
    pub(super) async fn open(&mut self, subscribe: FromGateway) -> Result<Link, String> {
        if self.rounds.is_over() {
            self.resolve().await?;
        }
        let place = self.rounds.turn().ok_or("no operator is known")?;
        let known = self.known.get(place.url).ok_or("no operator is known")?;
        let opened = dial(&known.endpoint, place.address, self.tls.as_ref(), subscribe).await;
        opened.map_err(|error| format!("{}: {error}", place.address))
    }

    /// Whether the round has another address to try.
    pub(super) fn has_more(&self) -> bool {
        !self.rounds.is_over()
    }

    /// Ends the round.
    pub(super) fn end_round(&mut self) {
        self.rounds.end();
    }

    /// Begins a round over all addresses.
    async fn resolve(&mut self) -> Result<(), String> {
        let (mut places, mut failure) = (Vec::new(), "no operator has an address".to_owned());
        for (url, known) in self.known.iter_mut().enumerate() {
            match tokio::net::lookup_host((known.host.as_str(), known.port)).await {
                Ok(answer) => known.addresses = answer.collect(),
                Err(error) => failure = format!("{}: {error}", known.host),
            }
            places.extend(known.addresses.iter().map(|address| Place { url, address: *address }));
        }
        if places.is_empty() {
            return Err(failure);
        }
        self.rounds.begin(places);
        Ok(())
    }
}

impl Known {
    fn new(url: &Url) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(url.to_string())?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(ALIVE)
            .keep_alive_while_idle(true);
        // An IPv6 address stands in brackets in a URL and nowhere else.
        let host = url.host_str().context("no host")?.trim_matches(['[', ']']).to_owned();
        Ok(Self { endpoint, host, port: url.port().unwrap_or(PORT), addresses: Vec::new() })
    }
}

async fn dial(
    endpoint: &Endpoint,
    address: SocketAddr,
    tls: Option<&Followed<Tls>>,
    subscribe: FromGateway,
) -> Result<Link, String> {
    let connected: Result<Channel, _> = match tls {
        Some(tls) => endpoint.connect_with_connector(tls.current().connector(address)).await,
        None => endpoint.connect_with_connector(Connector(address)).await,
    };
    let channel = connected.map_err(|error| describe(&error))?;
    let mut client = ConfigurationClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
    let (sender, outgoing) = mpsc::channel(IN_FLIGHT);
    // The first message goes ahead of the call: the operator answers only when it has it.
    sender.send(subscribe).await.map_err(|_| "the stream ended".to_owned())?;
    let called = tokio::time::timeout(ANSWER, client.stream(ReceiverStream::new(outgoing)));
    let response = called.await.map_err(|_| "no answer".to_owned())?.map_err(|status| words(&status))?;
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

/// Connects to one address, whatever the URL's name stands for besides it.
#[derive(Clone, Copy)]
struct Connector(SocketAddr);

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0;
        Box::pin(async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(TokioIo::new(socket))
        })
    }
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

#[cfg(test)]
mod tests;
