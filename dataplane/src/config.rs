//! Keeps this gateway in step with an operator: one stream, one state machine, one compiler.
//!
//! Runs on the background runtime. It never touches a request: all it does to the workers is to publish a snapshot. When the stream ends, the
//! last snapshot goes on serving, and the next stream transfers only what differs; what is in force outlives the process, too.

pub mod follower;
mod held;
mod kept;
mod link;
mod operators;
pub mod pauses;
pub mod rounds;
mod source;
mod tls;

use std::collections::BTreeSet;
use std::sync::Arc;

use portolan_config::Name;
use portolan_config::delta::client::{Reaction, Session};
use portolan_config::proto::{self, from_gateway};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use follower::{Follower, withdraws};
use pauses::Pauses;

pub use held::Held;
pub use kept::Kept;
pub use link::Link;
pub use source::ConfigSource;

use crate::drain::Phase;
use crate::jwks::{Fetched, Fetcher};
use crate::probe::{Finding, Prober};
use crate::request::context::{Context, EndedSession, now};
use crate::snapshot::{Compiler, Source};
use crate::telemetry::metrics::InForce;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum StreamEnd {
    /// The other side is not there, or has gone.
    #[error("the operator is not reachable: {0}")]
    Gone(String),
    /// It does not serve streams now.
    #[error("refused: {reason} (holder: {holder:?})")]
    Refused { reason: String, holder: String },
    /// It breaks the protocol.
    #[error("the stream is not in order: {0}")]
    Disorder(String),
    /// This gateway stops.
    #[error("stopping")]
    Stopping,
}

/// The client's side of the configuration stream.
pub struct Client {
    context: Arc<Context>,
    follower: Follower,
    held: Held,
    prober: Prober,
    assigned: BTreeSet<Name>,
    findings: mpsc::Receiver<Finding>,
    fetcher: Fetcher,
    fetched: mpsc::Receiver<Fetched>,
    ended: mpsc::UnboundedReceiver<EndedSession>,
    kept: Kept,
    /// Resources that the last step brought and this gateway could not compile.
    rejected: usize,
    progress: watch::Sender<Progress>,
}

/// How far the gateway has come; readiness and `/metrics` follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// A first step is in force.
    pub in_force: bool,
    /// A stream is open now, on which an operator serves us.
    pub connected: bool,
    /// Every server that the first step assigned, and every issuer whose keys it needs, was tried once; or what is in force was so before.
    pub tried: bool,
}

/// What a client is made of.
pub struct Parts {
    /// Where snapshots are published.
    pub context: Arc<Context>,
    /// Makes them.
    pub compiler: Compiler,
    /// The protocol's state.
    pub session: Session,
    /// What the operator is told of keys.
    pub held: Held,
    /// Lists and probes assigned servers.
    pub prober: Prober,
    /// What it finds.
    pub findings: mpsc::Receiver<Finding>,
    /// Asks issuers for their keys.
    pub fetcher: Fetcher,
    /// What it is told.
    pub fetched: mpsc::Receiver<Fetched>,
    /// What outlives the process.
    pub kept: Kept,
    /// Sessions that were ended here.
    pub ended: mpsc::UnboundedReceiver<EndedSession>,
}

impl Client {
    /// A client that has nothing in force, and the place to watch how it gets on.
    pub fn new(parts: Parts) -> (Self, watch::Receiver<Progress>) {
        let (progress, watcher) = watch::channel(Progress::default());
        let Parts { context, compiler, session, held, prober, findings, fetcher, fetched, kept, ended } = parts;
        let client = Self {
            context,
            follower: Follower { session, compiler },
            held,
            prober,
            assigned: BTreeSet::new(),
            findings,
            fetcher,
            fetched,
            ended,
            kept,
            rejected: 0,
            progress,
        };
        (client, watcher)
    }

    /// Follows one stream after the other until the gateway closes.
    pub async fn run(mut self, mut source: ConfigSource) {
        let mut pauses = Pauses::default();
        loop {
            let end = match self.open(&mut source).await {
                Ok(link) => self.follow(link).await,
                Err(end) => end,
            };
            let served = self.progress.borrow().connected;
            self.progress.send_modify(|progress| progress.connected = false);
            if matches!(end, StreamEnd::Stopping) {
                return self.keep_all().await;
            }
            if served {
                source.served();
            }
            let Some(pause) = pauses.after(served, source.has_more()) else {
                info!(error = %end, "trying the next operator");
                continue;
            };
            warn!(error = %end, retry_in = ?pause, "configuration stream");
            let drain = self.context.drain.clone();
            let stopping = tokio::time::timeout(pause, drain.reached(Phase::Closing));
            if self.meanwhile(stopping).await.is_ok() {
                return self.keep_all().await;
            }
        }
    }

    /// Waits for something, and goes on meanwhile with what needs no operator.
    async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> T {
        tokio::pin!(what);
        loop {
            tokio::select! {
                outcome = &mut what => return outcome,
                Some(fetched) = self.fetched.recv() => self.learn(fetched),
                // Whoever connects next is told of all that were ended.
                Some(_) = self.ended.recv() => self.kept.last_good.touch(),
                () = self.held.changed() => self.kept.touch(),
                due = self.kept.due() => self.keep(&due),
            }
        }
    }

    async fn open(&mut self, source: &mut ConfigSource) -> Result<Link, StreamEnd> {
        let subscribe = self.follower.session.subscribe();
        let link = self.meanwhile(source.open(subscribe)).await.map_err(StreamEnd::Gone)?;
        send(&link, from_gateway::Message::KeysHeld(self.held.message())).await?;
        // The operator keeps nothing that it cannot rebuild: what this gateway knows is told again to each.
        for report in self.follower.session.reports() {
            send_whole(&link, report).await?;
        }
        let sessions = self.context.ended();
        if !sessions.is_empty() {
            send(&link, ended_message(&sessions)).await?;
        }
        Ok(link)
    }

    async fn follow(&mut self, mut link: Link) -> StreamEnd {
        let drain = self.context.drain.clone();
        let draining = drain.reached(Phase::Draining);
        tokio::pin!(draining);
        let mut told_drain = false;
        loop {
            let result = tokio::select! {
                message = link.receiver.recv() => match message {
                    Some(Ok(message)) => self.receive(&link, message).await,
                    Some(Err(reason)) => Err(StreamEnd::Gone(reason)),
                    None => Err(StreamEnd::Gone("the stream ended".to_owned())),
                },
                Some(finding) = self.findings.recv() => self.report(&link, finding).await,
                Some(session) = self.ended.recv() => {
                    self.kept.last_good.touch();
                    send(&link, ended_message(&[session])).await
                }
                Some(fetched) = self.fetched.recv() => {
                    self.learn(fetched);
                    Ok(())
                }
                due = self.kept.due() => {
                    self.keep(&due);
                    Ok(())
                }
                () = self.held.changed() => {
                    // What is on disk is sealed anew, before the key that sealed it is dropped.
                    self.kept.touch();
                    let held = self.held.message();
                    send(&link, from_gateway::Message::KeysHeld(held)).await
                }
                () = &mut draining, if !told_drain => {
                    told_drain = true;
                    send(&link, from_gateway::Message::Drain(proto::Drain {})).await
                }
                () = self.context.drain.reached(Phase::Closing) => Err(StreamEnd::Stopping),
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    async fn receive(&mut self, link: &Link, message: proto::FromOperator) -> Result<(), StreamEnd> {
        match self.follower.session.on_message(message).map_err(|error| StreamEnd::Disorder(error.to_string()))? {
            Reaction::None => Ok(()),
            Reaction::Send(message) => send_whole(link, message).await,
            Reaction::Refused { reason, holder } => Err(StreamEnd::Refused { reason, holder }),
            Reaction::Change(change) => {
                self.kept.epoch.reached(change.epoch).await;
                if withdraws(&change) {
                    self.kept.last_good.forget();
                }
                self.kept.last_good.touch();
                let (rejected, ack) = self.follower.apply(&change);
                for refusal in &rejected {
                    warn!(name = refusal.name, reason = refusal.reason, "resource refused");
                }
                self.put_in_force(rejected.len());
                self.progress.send_modify(|progress| progress.connected = true);
                info!(sequence = change.sequence, resources = change.upserts.len(), "step in force");
                send_whole(link, ack).await
            }
        }
    }

    /// An issuer has answered, or has not.
    fn learn(&mut self, Fetched { url, document }: Fetched) {
        let (sets, kept) = (self.follower.compiler.key_sets(), self.context.limits.jwks_kept);
        let changed = match document {
            Some(document) => {
                self.kept.key_sets.touch();
                sets.fetched(url, document, now())
            }
            None => sets.missed(&url, now(), kept),
        };
        if changed {
            self.follower.compiler.key_sets_changed();
            self.put_in_force(self.rejected);
        }
        self.note_tried();
    }

    fn put_in_force(&mut self, rejected: usize) {
        self.rejected = rejected;
        let snapshot = self.follower.compiler.snapshot();
        let from_disk = snapshot.source == Source::Disk;
        self.context.telemetry.metrics().in_force(InForce {
            source: snapshot.source.as_str(),
            epoch: snapshot.epoch,
            resources: snapshot.resource_count(),
            rejected,
        });
        self.context.publish(snapshot);
        // Both look at all that there is of their kind, and most steps touch neither.
        let news = self.follower.compiler.news();
        if news.assigned {
            self.assign();
        }
        if news.policies {
            let sources = self.follower.compiler.key_sources();
            let sets = self.follower.compiler.key_sets();
            sets.retain(|url| sources.iter().any(|source| *source.url == *url));
            self.fetcher.assign(sources, |url| sets.get(url).is_some());
        }
        self.progress.send_modify(|progress| {
            progress.in_force = true;
            progress.tried |= from_disk;
        });
        self.note_tried();
    }

    fn assign(&mut self) {
        let assigned = self.follower.compiler.assigned();
        let names: BTreeSet<Name> = assigned.iter().map(|target| target.name.clone()).collect();
        for gone in self.assigned.difference(&names) {
            self.follower.session.forget_report(gone);
        }
        self.assigned = names;
        self.prober.assign(assigned);
    }

    fn note_tried(&self) {
        if !self.progress.borrow().tried && self.prober.all_tried() && self.fetcher.all_tried() {
            self.progress.send_modify(|progress| progress.tried = true);
        }
    }

    async fn report(&mut self, link: &Link, finding: Finding) -> Result<(), StreamEnd> {
        self.note_tried();
        let report = self.follower.session.report(finding.report, finding.chunks);
        send_whole(link, report).await
    }
}

fn ended_message(sessions: &[EndedSession]) -> from_gateway::Message {
    from_gateway::Message::Ended(proto::Ended { sessions: sessions.iter().map(kept::ended).collect() })
}

async fn send(link: &Link, message: from_gateway::Message) -> Result<(), StreamEnd> {
    send_whole(link, proto::FromGateway { message: Some(message) }).await
}

async fn send_whole(link: &Link, message: proto::FromGateway) -> Result<(), StreamEnd> {
    link.sender.send(message).await.map_err(|_| StreamEnd::Gone("the stream ended".to_owned()))
}
