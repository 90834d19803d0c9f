//! The operator's end of one stream. It keeps what one gateway lacks, never what it has: after the initial step that is the acknowledged sequence.
//!
//! Drive it so: every message of the gateway goes to `on_message`; after that, and whenever the log has grown, send what `poll` gives.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::ProtocolError;
use crate::limits::REASON_BYTES;
use crate::proto::from_gateway::Message;
use crate::proto::{self, FromGateway, FromOperator, Refused};
use crate::{Log, Name, Version};

mod adoptions;
mod audience;
mod fetches;
mod gathering;
mod reports;

use adoptions::Adoptions;
use audience::Audience;
use fetches::Fetches;
use reports::Reports;

/// What a gateway's message means to the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Everything up to this sequence is in force there, but for what `Session::rejected` names.
    Acked(u64),
    /// A report has arrived. Its chunks may still be on their way: `ReportComplete` follows.
    Report(proto::Report),
    /// The bodies of all chunks of a report are here; at once after `Report` if the log had them.
    ReportComplete {
        /// The report.
        report: proto::Report,
        /// Its chunks, in its order.
        chunks: Vec<(Name, Bytes)>,
    },
    /// Sessions that were ended there.
    Ended(proto::Ended),
    /// The keys that the gateway holds.
    KeysHeld(proto::KeysHeld),
    /// The gateway is about to leave.
    Drain,
    /// A body of the gateway went into the log: wake the other streams.
    Adopted(Name),
    /// The gateway broke the protocol: end the stream. The session says nothing more.
    Violated(ProtocolError),
}

/// The operator's end of one stream.
#[derive(Debug)]
pub struct Session {
    gateway: String,
    fleet: String,
    release: String,
    /// What the gateway said that it has, until the initial step is made of it.
    initial: Option<Vec<proto::Held>>,
    audience: Audience,
    adoptions: Adoptions,
    reports: Reports,
    fetches: Fetches,
    in_flight: Option<InFlight>,
    acked: u64,
    in_step: bool,
    rejected: BTreeMap<Name, (Version, String)>,
    refusal: Option<&'static str>,
    closed: bool,
}

#[derive(Debug)]
struct InFlight {
    sequence: u64,
    resources: usize,
    /// Rejected names that this step gives another chance, or takes away.
    reconsidered: Vec<Name>,
}

impl Session {
    /// A session for a gateway that has subscribed.
    #[must_use]
    pub fn new(subscribe: proto::Subscribe, log: &Log) -> Self {
        let refusal = match &subscribe {
            proto::Subscribe { schema: 0, .. } => Some("the subscription names no schema"),
            proto::Subscribe { gateway, .. } if Name::assignment(gateway).as_str().parse::<Name>().is_err() => {
                Some("the subscription names no gateway")
            }
            proto::Subscribe { highest_epoch, .. } if *highest_epoch > log.epoch() => {
                Some("a later lease holder has been seen")
            }
            _ => None,
        };
        Self {
            audience: Audience::new(Name::assignment(&subscribe.gateway)),
            gateway: subscribe.gateway,
            fleet: subscribe.fleet,
            release: subscribe.release,
            initial: Some(subscribe.initial),
            adoptions: Adoptions::default(),
            reports: Reports::default(),
            fetches: Fetches::default(),
            in_flight: None,
            acked: 0,
            in_step: false,
            rejected: BTreeMap::new(),
            refusal,
            closed: false,
        }
    }

    /// The gateway's name.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The fleet that the gateway says it belongs to.
    #[must_use]
    pub fn fleet(&self) -> &str {
        &self.fleet
    }

    /// The gateway's release.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Everything up to this sequence is in force there. It also advances, without an event, over changes that are not for this gateway.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// Whether the gateway has acknowledged the initial step.
    #[must_use]
    pub fn in_step(&self) -> bool {
        self.in_step
    }

    /// What the gateway could not put in force, in which version and why. Each keeps its previous good version there.
    #[must_use]
    pub fn rejected(&self) -> &BTreeMap<Name, (Version, String)> {
        &self.rejected
    }

    /// Takes a message of the gateway. Messages of a kind that this release does not know are ignored.
    pub fn on_message(&mut self, message: FromGateway, log: &mut Log) -> Vec<Event> {
        if self.closed {
            return Vec::new();
        }
        let events = match message.message {
            Some(Message::Ack(ack)) => self.on_ack(ack).map(|event| vec![event]),
            Some(Message::Report(report)) => self.reports.arrived(report, log),
            Some(Message::Found(found)) => self.on_found(&found, log),
            Some(Message::Ended(ended)) => Ok(vec![Event::Ended(ended)]),
            Some(Message::KeysHeld(held)) => Ok(vec![Event::KeysHeld(held)]),
            Some(Message::Drain(_)) => Ok(vec![Event::Drain]),
            Some(Message::Subscribe(_)) => Err(ProtocolError::SubscribedTwice),
            None => Ok(Vec::new()),
        };
        events.unwrap_or_else(|violation| {
            self.closed = true;
            vec![Event::Violated(violation)]
        })
    }

    /// What is to be sent now: fetches, and the next step unless one is in flight. The initial step is sent even if it is empty: readiness waits for it.
    pub fn poll(&mut self, log: &Log) -> Vec<FromOperator> {
        if self.closed {
            return Vec::new();
        }
        if let Some(reason) = self.refused_because(log) {
            self.closed = true;
            return vec![Refused { reason: reason.to_owned(), holder: String::new() }.into()];
        }
        let mut messages: Vec<_> = self.next_step(log).into_iter().map(FromOperator::from).collect();
        let wanted = self.reports.lacking().chain(self.adoptions.lacking(log));
        messages.extend(self.fetches.next(wanted).into_iter().map(FromOperator::from));
        messages
    }

    fn refused_because(&self, log: &Log) -> Option<&'static str> {
        let behind = self.initial.is_none() && self.in_flight.is_none() && self.acked < log.floor();
        self.refusal.or(behind.then_some("too far behind: subscribe again"))
    }

    fn next_step(&mut self, log: &Log) -> Vec<proto::Step> {
        if self.in_flight.is_some() {
            return Vec::new();
        }
        let step = if let Some(initial) = self.initial.take() {
            let step = self.audience.initial(initial, log);
            self.adoptions.begin(&self.gateway, self.audience.lacking());
            step
        } else if log.sequence() > self.acked {
            let step = self.audience.since(self.acked, log);
            if step.is_empty() {
                self.acked = log.sequence();
                return Vec::new();
            }
            step
        } else {
            return Vec::new();
        };
        let sent = step.resources.iter().map(|resource| &resource.name);
        let named = sent.chain(&step.removed).chain(&step.revoked);
        let reconsidered =
            named.filter_map(|name| self.rejected.get_key_value(name.as_str())).map(|(name, _)| name.clone()).collect();
        self.in_flight = Some(InFlight { sequence: log.sequence(), resources: step.resources.len(), reconsidered });
        step.into_parts(log.epoch(), log.sequence())
    }

    fn on_ack(&mut self, ack: proto::Ack) -> Result<Event, ProtocolError> {
        let in_flight =
            self.in_flight.take().filter(|step| step.sequence == ack.sequence && ack.rejected.len() <= step.resources);
        let in_flight = in_flight.ok_or(ProtocolError::UnexpectedAck(ack.sequence))?;
        for name in in_flight.reconsidered {
            self.rejected.remove(&name);
        }
        for proto::Rejected { name, version, mut reason } in ack.rejected {
            // What does not parse was not sent by this release.
            if let (Ok(name), Ok(version)) = (name.parse(), version.parse()) {
                reason.truncate(reason.floor_char_boundary(REASON_BYTES));
                self.rejected.insert(name, (version, reason));
            }
        }
        self.acked = ack.sequence;
        self.in_step = true;
        Ok(Event::Acked(ack.sequence))
    }

    fn on_found(&mut self, found: &proto::Resource, log: &mut Log) -> Result<Vec<Event>, ProtocolError> {
        let Some((name, version)) = self.fetches.answered(&found.name) else { return Ok(Vec::new()) };
        let genuine = found.version.parse() == Ok(version) && Version::of(&found.body) == version;
        if !genuine {
            self.reports.missing(&name, version);
            self.adoptions.missing(&name, version);
            return Ok(Vec::new());
        }
        let completed = self.reports.found(&name, version, &found.body)?;
        let adopted = self.adoptions.found(&name, version, &found.body, log).map(Event::Adopted);
        Ok(completed.into_iter().chain(adopted).collect())
    }
}

#[cfg(test)]
mod tests;
