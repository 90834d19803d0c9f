//! Reports whose chunks are on their way. One for each server: a newer one replaces it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Event;
use crate::delta::ProtocolError;
use crate::limits::{REPORT_BYTES, REPORT_CHUNKS, REPORTS_WAITING};
use crate::proto::Report;
use crate::{Kind, Log, Name, Version};

#[derive(Debug, Default)]
pub(super) struct Reports {
    waiting: BTreeMap<Name, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    report: Report,
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    name: Name,
    version: Version,
    body: Option<Bytes>,
}

impl Reports {
    /// Takes a report; bodies that the log has are taken from there.
    pub(super) fn arrived(&mut self, report: Report, log: &Log) -> Result<Vec<Event>, ProtocolError> {
        let server = report
            .server
            .parse::<Name>()
            .ok()
            .filter(|name| name.kind() == Kind::Server)
            .ok_or(ProtocolError::BadReport)?;
        let chunks = parse(&report, &server, log).ok_or(ProtocolError::BadReport)?;
        let arrived = Event::Report(report.clone());
        self.waiting.insert(server.clone(), Waiting { report, chunks });
        if self.waiting.len() > REPORTS_WAITING {
            return Err(ProtocolError::BadReport);
        }
        Ok([arrived].into_iter().chain(self.completed(&server)?).collect())
    }

    /// Bodies that are to be fetched.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (&Name, Version)> {
        let chunks = self.waiting.values().flat_map(|waiting| &waiting.chunks);
        chunks.filter(|chunk| chunk.body.is_none()).map(|chunk| (&chunk.name, chunk.version))
    }

    /// Takes a body.
    pub(super) fn found(&mut self, name: &Name, version: Version, body: &Bytes) -> Result<Vec<Event>, ProtocolError> {
        let server = name.sibling(Kind::Server);
        if let Some(waiting) = self.waiting.get_mut(&server) {
            for chunk in waiting.chunks.iter_mut().filter(|chunk| chunk.name == *name && chunk.version == version) {
                chunk.body = Some(body.clone());
            }
        }
        Ok(self.completed(&server)?.into_iter().collect())
    }

    /// The gateway no longer has a body: the report that named it is void, and the next one is on its way.
    pub(super) fn missing(&mut self, name: &Name, version: Version) {
        let names =
            |waiting: &Waiting| waiting.chunks.iter().any(|chunk| chunk.name == *name && chunk.version == version);
        let server = name.sibling(Kind::Server);
        if self.waiting.get(&server).is_some_and(names) {
            self.waiting.remove(&server);
        }
    }

    fn completed(&mut self, server: &Name) -> Result<Option<Event>, ProtocolError> {
        let Some(waiting) = self.waiting.get(server) else { return Ok(None) };
        let bytes: usize = waiting.chunks.iter().filter_map(|chunk| chunk.body.as_ref()).map(Bytes::len).sum();
        if bytes > REPORT_BYTES {
            return Err(ProtocolError::BadReport);
        }
        let bodies: Option<Vec<_>> =
            waiting.chunks.iter().map(|chunk| Some((chunk.name.clone(), chunk.body.clone()?))).collect();
        let Some(chunks) = bodies else { return Ok(None) };
        Ok(self.waiting.remove(server).map(|waiting| Event::ReportComplete { report: waiting.report, chunks }))
    }
}

/// The chunks of a report; `None` if they are too many, not this server's, or one is named twice.
fn parse(report: &Report, server: &Name, log: &Log) -> Option<Vec<Chunk>> {
    let names: BTreeSet<_> = report.chunks.iter().map(|held| &held.name).collect();
    if report.chunks.len() > REPORT_CHUNKS || names.len() < report.chunks.len() {
        return None;
    }
    let chunks = report.chunks.iter().map(|held| {
        let name = held
            .name
            .parse::<Name>()
            .ok()
            .filter(|name| name.kind() == Kind::Chunk && name.sibling(Kind::Server) == *server)?;
        let version = held.version.parse().ok()?;
        let body = log.get(&name).filter(|(known, _)| *known == version).map(|(_, body)| body);
        Some(Chunk { name, version, body })
    });
    chunks.collect()
}
