//! What gateways say, and what follows from it.

use std::collections::BTreeSet;

use bytes::Bytes;
use portolan_config::{
    Kind, Name,
    delta::server::{Event, Session},
    proto::{Ended, FromGateway, FromOperator, KeysHeld, Refused, Report, Subscribe},
};

use super::{Core, StreamId, statuses::owner};
use crate::{
    identity::Holders,
    object::{Key, ObjectKey, ObjectKind},
    translate,
};

/// How long the fleet may be without any gateway before status says so: a restart of the only pod is no news.
const LONELY: i64 = 10_000;

/// Ended sessions that are remembered; beyond it the ones that expire first go.
const ENDED: usize = 100_000;

/// Whether a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// The gateway broke the protocol.
    End,
}

impl Core {
    /// Opens a gateway's stream.
    ///
    /// # Errors
    /// The gateway belongs to another fleet.
    pub fn subscribe(&mut self, subscribe: Subscribe, now: i64) -> Result<(StreamId, Session), Refused> {
        let fleet = &self.world.settings.fleet;
        if subscribe.fleet != *fleet {
            let reason = format!("this operator serves fleet {fleet:?}");
            return Err(Refused { reason, holder: String::new() });
        }
        let id = self.gateways.connect(&subscribe.gateway);
        if self.gateways.len() == 1 {
            // Nobody's word was awaited while nobody was there.
            self.reopen_all();
        }
        self.lonely_since = None;
        self.gateways_changed();
        if self.published {
            // In the log before its first step is made: what the gateway has and the log lacks would be told as removed, and its servers
            // examined anew with every reconnect.
            self.publish_shared();
            self.wake.published = Some(self.log.sequence());
        }
        // Its word is awaited from here on: nobody must read in between that there is no gateway.
        self.advance(now);
        let session = Session::new(subscribe, &self.log);
        Ok((id, session))
    }

    /// This replica serves from now on, in this epoch. Its gateways were another's until now and are on their way, and what it would have
    /// written as a stand-by is still to be written.
    pub fn begin_epoch(&mut self, epoch: u64, now: i64) {
        self.log.set_epoch(epoch);
        self.lonely_since = (self.gateways.len() == 0).then_some(now);
        self.wake.status = true;
    }

    /// A stream has ended.
    pub fn disconnect(&mut self, id: StreamId, now: i64) {
        if self.gateways.disconnect(id) {
            if self.gateways.len() == 0 {
                self.lonely_since = Some(now);
            }
            self.gateways_changed();
            self.advance(now);
        }
    }

    /// The time passes: forgets sessions that have expired, and says so if the fleet is gone.
    pub fn tick(&mut self, now: i64) {
        let expired = self.world.ended.values().any(|expires| *expires <= now / 1000);
        if expired {
            self.world.ended.retain(|_, expires| *expires > now / 1000);
            self.dirty.fleet = true;
            self.wake.dirty = true;
        }
        let stale: Vec<Key> =
            self.listings.iter().filter(|(_, listing)| listing.stale_since != 0).map(|(key, _)| key.clone()).collect();
        for key in stale {
            self.catalogue_due(&key);
        }
        let progress = &mut self.progress;
        let mut is_late = |key: &ObjectKey| progress.get_mut(key).is_some_and(|progress| progress.tick(now));
        let late: Vec<ObjectKey> = self.open.iter().filter(|key| is_late(key)).cloned().collect();
        self.wake.status |= !late.is_empty();
        self.due.extend(late);
        if self.lonely_since.is_some_and(|since| now - since >= LONELY) {
            self.lonely_since = None;
            self.reopen_all();
            self.advance(now);
            self.due.extend(self.progress.keys().cloned());
            self.wake.status = true;
        }
    }

    /// Awaits every gateway's word on everything again.
    fn reopen_all(&mut self) {
        self.progress.values_mut().for_each(super::Progress::reopen);
        self.open = self.progress.keys().cloned().collect();
    }

    /// Takes in a message of a gateway.
    pub fn receive(&mut self, id: StreamId, session: &mut Session, message: FromGateway, now: i64) -> Flow {
        let before = self.log.sequence();
        for event in session.on_message(message, &mut self.log) {
            match event {
                Event::Acked(_) => self.acknowledged(id, session, now),
                Event::Report(report) if !report.verified => self.reported(report, Vec::new()),
                Event::ReportComplete { report, chunks } if report.verified => self.reported(report, chunks),
                Event::Report(_) | Event::ReportComplete { .. } => {}
                Event::KeysHeld(keys) => self.holds(id, keys),
                Event::Ended(ended) => self.ended(ended, now),
                Event::Drain => self.draining(id),
                Event::Adopted(name) => self.adopted(&name),
                Event::Violated(violation) => {
                    tracing::warn!(gateway = session.gateway(), %violation, "gateway broke the protocol");
                    return Flow::End;
                }
            }
        }
        if self.log.sequence() != before {
            self.wake.published = Some(self.log.sequence());
        }
        self.wake.dirty |= self.is_dirty();
        Flow::Continue
    }

    /// The messages that are due to a gateway. Nothing before the first publication: the log is not the truth yet.
    pub fn poll(&mut self, id: StreamId, session: &mut Session, now: i64) -> Vec<FromOperator> {
        if !self.published {
            return Vec::new();
        }
        let messages = session.poll(&self.log);
        self.acknowledged(id, session, now);
        messages
    }

    fn acknowledged(&mut self, id: StreamId, session: &Session, now: i64) {
        let Some(gateway) = self.gateways.get_mut(id) else { return };
        if gateway.acked == session.acked() && gateway.rejected == *session.rejected() {
            return;
        }
        gateway.acked = session.acked();
        if gateway.rejected != *session.rejected() {
            let before = std::mem::replace(&mut gateway.rejected, session.rejected().clone());
            self.reconsider(before.keys().chain(session.rejected().keys()));
        }
        self.advance(now);
        if let Some(acknowledged) = self.gateways.acknowledged() {
            self.log.forget_tombstones(acknowledged);
        }
    }

    fn reported(&mut self, report: Report, chunks: Vec<(Name, Bytes)>) {
        let Ok(name) = report.server.parse::<Name>() else { return };
        let key = Key::new(name.namespace(), name.name());
        if !self.world.servers.contains_key(&key) {
            return;
        }
        if report.verified {
            self.chunks.insert(key.clone(), chunks);
        }
        self.world.reports.insert(key.clone(), report);
        self.dirty.catalogues.insert(key);
    }

    fn ended(&mut self, ended: Ended, now: i64) {
        for session in ended.sessions {
            if session.expires > now / 1000 {
                self.world.ended.insert(session.session, session.expires);
                self.dirty.fleet = true;
            }
        }
        while self.world.ended.len() > ENDED {
            let first =
                self.world.ended.iter().min_by_key(|(_, expires)| **expires).map(|(session, _)| session.clone());
            let Some(first) = first else { break };
            self.world.ended.remove(&first);
        }
    }

    fn draining(&mut self, id: StreamId) {
        if let Some(gateway) = self.gateways.get_mut(id) {
            gateway.draining = true;
            self.gateways_changed();
        }
    }

    fn holds(&mut self, id: StreamId, keys: KeysHeld) {
        if let Some(gateway) = self.gateways.get_mut(id) {
            gateway.keys = Some(keys);
        }
    }

    /// What the fleet's pods hold of its keys and authorities. A pod that is ready and not connected has not told.
    #[must_use]
    pub fn holders(&self) -> Holders {
        let told: Vec<KeysHeld> = self.gateways.iter().filter_map(|gateway| gateway.keys.clone()).collect();
        let draining = self.gateways.iter().filter(|gateway| gateway.draining).count();
        Holders::of(&told, translate::pods(&self.world) + draining)
    }

    /// A body that a gateway kept while we were away.
    fn adopted(&mut self, name: &Name) {
        // Its status may have said that there is none.
        self.due.extend(owner(name));
        self.wake.status = true;
        let key = Key::new(name.namespace(), name.name());
        match name.kind() {
            Kind::Catalogue => self.read_catalogue(&key),
            // It holds sections again, which others took meanwhile.
            Kind::Policy => {
                self.dirty.objects.insert(ObjectKey::new(ObjectKind::McpPolicy, key));
                self.wake.dirty = true;
            }
            _ => {}
        }
    }

    /// Shares and assignments follow who serves.
    fn gateways_changed(&mut self) {
        let serving: BTreeSet<String> = self.gateways.serving();
        if serving != self.world.gateways {
            self.world.gateways = serving;
            self.dirty.fleet = true;
            self.dirty.assignments = true;
            self.wake.dirty = true;
        }
    }

    /// The objects that show a server's catalogue: itself and the routes that name it.
    pub(super) fn catalogue_due(&mut self, key: &Key) {
        let server = ObjectKey::new(ObjectKind::McpServer, key.clone());
        let routes = self.world.referrers(ObjectKind::McpRoute, &server);
        let routes: Vec<ObjectKey> = routes.map(|route| ObjectKey::new(ObjectKind::McpRoute, route.clone())).collect();
        self.due.extend(routes);
        self.due.insert(server);
        self.wake.status = true;
    }
}
