//! Reports whose chunks are on their way. One for each server: a newer one replaces it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Event;
use super::gathering::Gathering;
use crate::delta::ProtocolError;
use crate::limits::{REPORT_BYTES, REPORT_CHUNKS, REPORTS_WAITING};
use crate::proto::Report;
use crate::{Kind, Log, Name, Version};

#[derive(Debug, Default)]
pub(super) struct Reports {
    waiting: BTreeMap<Name, (Report, Gathering)>,
}

impl Reports {
    /// Takes a report; bodies that the log has are taken from there.
    pub(super) fn arrived(&mut self, report: Report, log: &Log) -> Result<Vec<Event>, ProtocolError> {
        let server = report.server.parse::<Name>().ok().filter(|name| name.kind() == Kind::Server);
        let server = server.ok_or(ProtocolError::BadReport)?;
        let chunks = chunks(&report, &server, log).ok_or(ProtocolError::BadReport)?;
        let arrived = Event::Report(report.clone());
        self.waiting.insert(server.clone(), (report, Gathering::new(chunks)));
        if self.waiting.len() > REPORTS_WAITING {
            return Err(ProtocolError::BadReport);
        }
        Ok([arrived].into_iter().chain(self.completed(&server)?).collect())
    }

    /// Bodies that are to be fetched.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (&Name, Version)> {
        self.waiting.values().flat_map(|(_, gathering)| gathering.lacking())
    }

    /// Takes a body; gives the report if that completed it.
    pub(super) fn found(
        &mut self,
        name: &Name,
        version: Version,
        body: &Bytes,
    ) -> Result<Option<Event>, ProtocolError> {
        let server = name.sibling(Kind::Server);
        if let Some((_, gathering)) = self.waiting.get_mut(&server) {
            gathering.found(name, version, body);
        }
        self.completed(&server)
    }

    /// The gateway no longer has a body: the report that named it is void, and the next one is on its way.
    pub(super) fn missing(&mut self, name: &Name, version: Version) {
        let server = name.sibling(Kind::Server);
        if self.waiting.get(&server).is_some_and(|(_, gathering)| gathering.includes(name, version)) {
            self.waiting.remove(&server);
        }
    }

    fn completed(&mut self, server: &Name) -> Result<Option<Event>, ProtocolError> {
        let Some((_, gathering)) = self.waiting.get(server) else { return Ok(None) };
        if gathering.bytes() > REPORT_BYTES {
            return Err(ProtocolError::BadReport);
        }
        let Some(bodies) = gathering.bodies() else { return Ok(None) };
        let chunks = bodies.into_iter().map(|(name, _, body)| (name, body)).collect();
        Ok(self.waiting.remove(server).map(|(report, _)| Event::ReportComplete { report, chunks }))
    }
}

/// The chunks of a report; `None` if they are too many, not this server's, or one is named twice.
fn chunks(report: &Report, server: &Name, log: &Log) -> Option<Vec<(Name, Version, Option<Bytes>)>> {
    let names: BTreeSet<_> = report.chunks.iter().map(|held| &held.name).collect();
    if report.chunks.len() > REPORT_CHUNKS || names.len() < report.chunks.len() {
        return None;
    }
    let chunks = report.chunks.iter().map(|held| {
        let name: Name = held.name.parse().ok()?;
        let version = held.version.parse().ok()?;
        let own = name.kind() == Kind::Chunk && name.sibling(Kind::Server) == *server;
        let known = log.get(&name).filter(|(known, _)| *known == version).map(|(_, body)| body);
        own.then_some((name, version, known))
    });
    chunks.collect()
}
