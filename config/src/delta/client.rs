//! The gateway's end of the stream. It outlives connections: what is in force stays known, and a new subscription starts from it.
//!
//! Drive it so: send `subscribe` on a new stream, then `reports` again; give every message to `on_message`; put a `Change` in force at once and
//! send what `applied` gives, before the next message is read. On an error drop the stream and start over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;

use super::ProtocolError;
use crate::proto::from_operator::Message;
use crate::proto::{Ack, Fetch, FromGateway, FromOperator, Held, Rejected, Report, Resource, Subscribe};
use crate::{Kind, LastGood, Name, SCHEMA, Version};

mod assembly;

use assembly::{Assembly, Step};

/// What a message means to the gateway.
#[derive(Debug, PartialEq)]
pub enum Reaction {
    /// Nothing yet: a part of a step, or a message of a kind that this release does not know.
    None,
    /// Put this in force, all at once, then call `Session::applied`.
    Change(Change),
    /// Send this.
    Send(FromGateway),
    /// This operator does not serve us: try another.
    Refused {
        /// Why.
        reason: String,
        /// Who serves instead; empty if not known.
        holder: String,
    },
}

/// One step: comes into force all at once. A name's upsert, removal or revocation ends its being held.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// The step's sequence, for `Session::applied`.
    pub sequence: u64,
    /// The epoch of the operator's lease.
    pub epoch: u64,
    /// Resources to put in force. On a name that was held the version may be the one in force: the hold is over.
    pub upserts: Vec<(Name, Version, Bytes)>,
    /// Names whose object is gone.
    pub removed: Vec<Name>,
    /// Names to drop at once: a grant or consent was withdrawn.
    pub revoked: Vec<Name>,
    /// Names whose newest edit cannot be compiled, with the version that goes on here and what depends on it. The dependents fail closed,
    /// but for what that version is on.
    pub held: Vec<(Name, Option<Version>, Vec<Name>)>,
    /// The first step of a stream: after it the gateway has all that the operator has.
    pub initial: bool,
}

impl fmt::Debug for Change {
    /// Without bodies: they can hold secret material.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upserts: Vec<_> = self.upserts.iter().map(|(name, version, _)| (name, version)).collect();
        f.debug_struct("Change")
            .field("sequence", &self.sequence)
            .field("epoch", &self.epoch)
            .field("upserts", &upserts)
            .field("removed", &self.removed)
            .field("revoked", &self.revoked)
            .field("held", &self.held)
            .field("initial", &self.initial)
            .finish()
    }
}

/// The gateway's end of the stream, across connections.
pub struct Session {
    gateway: String,
    fleet: String,
    release: String,
    highest_epoch: u64,
    applied: BTreeMap<Name, (Version, Bytes)>,
    held: BTreeSet<Name>,
    reports: BTreeMap<String, Reported>,
    stream: Stream,
}

/// What belongs to one connection.
enum Stream {
    /// No subscription yet.
    Unsubscribed,
    /// Waits for parts of a step after this sequence; `None` before the initial step.
    Receiving(Option<u64>, Assembly),
    /// Waits for `applied`.
    Applying { step: Box<Step>, initial: bool },
}

struct Reported {
    report: Report,
    chunks: Vec<(Name, Version, Bytes)>,
}

impl Session {
    /// A gateway that has nothing in force.
    #[must_use]
    pub fn new(gateway: String, fleet: String, release: String) -> Self {
        Self {
            gateway,
            fleet,
            release,
            highest_epoch: 0,
            applied: BTreeMap::new(),
            held: BTreeSet::new(),
            reports: BTreeMap::new(),
            stream: Stream::Unsubscribed,
        }
    }

    /// Takes over what the process before had in force, but for `rejected`, which this release could not put in force. Before the first stream.
    pub fn restore(&mut self, kept: LastGood, rejected: &[Rejected]) {
        self.has_followed(kept.epoch);
        self.applied = kept.resources;
        self.held = kept.held.into_keys().collect();
        for name in rejected.iter().filter_map(|rejected| rejected.name.parse::<Name>().ok()) {
            self.applied.remove(&name);
            self.held.insert(name);
        }
    }

    /// A holder of this epoch was followed before: no earlier one will be.
    pub fn has_followed(&mut self, epoch: u64) {
        self.highest_epoch = self.highest_epoch.max(epoch);
    }

    /// What is in force, to be kept. `dependents` says what is closed for a name whose newest edit is not in force.
    #[must_use]
    pub fn last_good(&self, dependents: impl Fn(&Name) -> Vec<Name>) -> LastGood {
        LastGood {
            epoch: self.highest_epoch,
            resources: self.applied.clone(),
            held: self.held.iter().map(|name| (name.clone(), dependents(name))).collect(),
            ended: Vec::new(),
        }
    }

    /// Begins a new stream: the first message on it. What was in flight on the last one is forgotten.
    pub fn subscribe(&mut self) -> FromGateway {
        self.stream = Stream::Receiving(None, Assembly::default());
        let initial = self
            .applied
            .iter()
            .map(|(name, (version, _))| Held { name: name.to_string(), version: version.to_string() });
        Subscribe {
            gateway: self.gateway.clone(),
            fleet: self.fleet.clone(),
            release: self.release.clone(),
            schema: SCHEMA,
            highest_epoch: self.highest_epoch,
            initial: initial.collect(),
        }
        .into()
    }

    /// Takes a message of the operator.
    ///
    /// # Errors
    /// The operator broke the protocol, or its lease is over. Nothing of the step is in force; end the stream and subscribe again.
    pub fn on_message(&mut self, message: FromOperator) -> Result<Reaction, ProtocolError> {
        match message.message {
            Some(Message::Step(part)) => self.on_part(part).inspect_err(|_| self.stream = Stream::Unsubscribed),
            Some(Message::Fetch(fetch)) => Ok(Reaction::Send(self.find(fetch).into())),
            Some(Message::Refused(refused)) => Ok(Reaction::Refused { reason: refused.reason, holder: refused.holder }),
            None => Ok(Reaction::None),
        }
    }

    /// The change of this sequence is in force but for `rejected`, whose names keep their previous versions. Gives the acknowledgement. A sequence
    /// that is not being applied changes nothing here, and the operator ends the stream over it.
    pub fn applied(&mut self, sequence: u64, rejected: Vec<Rejected>) -> FromGateway {
        let received = Stream::Receiving(Some(sequence), Assembly::default());
        let ack = match std::mem::replace(&mut self.stream, received) {
            Stream::Applying { step, initial } if step.sequence == sequence => self.settle(*step, initial, rejected),
            stream => {
                self.stream = stream;
                Ack { sequence, rejected }
            }
        };
        ack.into()
    }

    /// What is in force, ordered by name.
    pub fn applied_set(&self) -> impl Iterator<Item = (&Name, Version, &Bytes)> {
        self.applied.iter().map(|(name, (version, body))| (name, *version, body))
    }

    /// Reports on a server, with its catalogue's chunks: names them in the report and keeps them for the operator to fetch, until the next report on
    /// this server or `forget_report`.
    pub fn report(&mut self, mut report: Report, chunks: Vec<(Name, Bytes)>) -> FromGateway {
        let versioned = chunks.into_iter().map(|(name, body)| (name, Version::of(&body), body));
        let chunks: Vec<(Name, Version, Bytes)> = versioned.collect();
        let held =
            chunks.iter().map(|(name, version, _)| Held { name: name.to_string(), version: version.to_string() });
        report.chunks = held.collect();
        self.reports.insert(report.server.clone(), Reported { report: report.clone(), chunks });
        report.into()
    }

    /// The newest report on every server, to be sent after `subscribe`: the operator keeps nothing that it cannot rebuild.
    pub fn reports(&self) -> impl Iterator<Item = FromGateway> {
        self.reports.values().map(|reported| reported.report.clone().into())
    }

    /// This gateway no longer looks at a server.
    pub fn forget_report(&mut self, server: &Name) {
        self.reports.remove(server.as_str());
    }

    fn on_part(&mut self, part: crate::proto::Step) -> Result<Reaction, ProtocolError> {
        let (acknowledged, assembly) = match &mut self.stream {
            Stream::Unsubscribed => return Err(ProtocolError::NotSubscribed),
            Stream::Applying { .. } => return Err(ProtocolError::StepInFlight),
            Stream::Receiving(acknowledged, assembly) => (*acknowledged, assembly),
        };
        if part.epoch < self.highest_epoch {
            return Err(ProtocolError::StaleEpoch { seen: self.highest_epoch, got: part.epoch });
        }
        self.highest_epoch = part.epoch;
        if let Some(acknowledged) = acknowledged
            && part.sequence <= acknowledged
        {
            return Err(ProtocolError::StaleSequence { acknowledged, got: part.sequence });
        }
        let Some(step) = assembly.add(part)? else { return Ok(Reaction::None) };
        let initial = acknowledged.is_none();
        let change = self.change(&step, initial);
        self.stream = Stream::Applying { step: Box::new(step), initial };
        Ok(Reaction::Change(change))
    }

    fn change(&self, step: &Step, initial: bool) -> Change {
        let mut change = Change {
            sequence: step.sequence,
            epoch: step.epoch,
            upserts: step
                .resources
                .iter()
                .map(|(name, (version, body))| (name.clone(), *version, body.clone()))
                .collect(),
            removed: step.removed.iter().cloned().collect(),
            revoked: step.revoked.iter().cloned().collect(),
            held: Vec::with_capacity(step.held.len()),
            initial,
        };
        for (name, dependents) in &step.held {
            let kept = if step.withdraws(name) { None } else { self.applied.get(name) };
            let version = step.resources.get(name).or(kept).map(|(version, _)| *version);
            change.held.push((name.clone(), version, dependents.clone()));
        }
        // An initial step marks all that is held: a hold that it does not repeat is over, and what was in force is just that.
        let ended = self.held.iter().filter(|name| initial && !step.mentions(name));
        for name in ended {
            match self.applied.get(name) {
                Some((version, body)) => change.upserts.push((name.clone(), *version, body.clone())),
                None => change.removed.push(name.clone()),
            }
        }
        change
    }

    /// Makes a step what is in force.
    fn settle(&mut self, step: Step, initial: bool, rejected: Vec<Rejected>) -> Ack {
        // Only what the step brought can be rejected on the wire.
        let mut rejected: Vec<_> =
            rejected.into_iter().filter(|r| step.resources.contains_key(r.name.as_str())).collect();
        let refused: BTreeSet<&str> = rejected.iter().map(|rejected| rejected.name.as_str()).collect();
        if initial {
            self.held.clear();
        }
        for name in step.removed.iter().chain(&step.revoked) {
            self.applied.remove(name);
            self.held.remove(name);
        }
        for (name, resource) in step.resources {
            self.held.remove(&name);
            if !refused.contains(name.as_str()) {
                self.applied.insert(name, resource);
            } else if !self.applied.contains_key(&name) {
                // What depends on it is closed here, which an initial step that no longer has it must end.
                self.held.insert(name);
            }
        }
        self.held.extend(step.held.into_keys());
        rejected.extend(step.foreign);
        Ack { sequence: step.sequence, rejected }
    }

    fn find(&self, fetch: Fetch) -> Resource {
        let wanted = fetch.version.parse::<Version>().ok();
        let name = fetch.name.parse::<Name>().ok();
        let in_force =
            name.as_ref().and_then(|name| self.applied.get(name)).filter(|(version, _)| Some(*version) == wanted);
        let reported = name.as_ref().and_then(|name| self.reports.get(name.sibling(Kind::Server).as_str()));
        let reported = reported.and_then(|reported| {
            reported.chunks.iter().find(|(chunk, version, _)| Some(chunk) == name.as_ref() && Some(*version) == wanted)
        });
        match in_force.map(|(_, body)| body).or(reported.map(|(_, _, body)| body)) {
            Some(body) => Resource { name: fetch.name, version: fetch.version, body: body.clone() },
            None => Resource { name: fetch.name, ..Resource::default() },
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("gateway", &self.gateway)
            .field("in_force", &self.applied.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
