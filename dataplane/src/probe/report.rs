//! What is told about a look: a report, and the catalogue in chunks of at most 1 MiB whose versions are hashes of their bytes.

use bytes::Bytes;
use portolan_config::{Body, Name, Version, proto};
use sha2::{Digest as _, Sha256};

use super::examine::Found;
use super::fault::Fault;
use super::listing::Omitted;
use super::target::Target;

/// Bytes of the tools of one chunk. Below 1 MiB, so that the encoding's own bytes fit, too.
const CHUNK_BYTES: usize = 1000 * 1024;

/// What the prober found out about a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// For the operator.
    pub report: proto::Report,
    /// The catalogue that the report speaks of: encoded `Chunk`s.
    pub chunks: Vec<(Name, Bytes)>,
}

impl Finding {
    pub(super) fn of(target: &Target, outcome: &Result<Found, Fault>) -> Self {
        let mut report = proto::Report {
            server: target.name.to_string(),
            server_version: target.version.to_string(),
            ..proto::Report::default()
        };
        let found = match outcome {
            Ok(found) => found,
            Err(fault) => {
                report.reason = fault.reason.to_string();
                report.message = fault.message.to_string();
                return Self { report, chunks: Vec::new() };
            }
        };
        let chunks = chunks(&target.name, &found.listing.tools);
        report.verified = true;
        report.reason = "Verified".to_owned();
        report.message = message(found.listing.tools.len(), &found.listing.omitted);
        report.latency_us = u32::try_from(found.latency.as_micros()).unwrap_or(u32::MAX);
        report.facts = Some(found.facts.clone());
        report.digest = digest(&found.listing.tools);
        report.chunks = chunks
            .iter()
            .map(|(name, body)| proto::Held { name: name.to_string(), version: Version::of(body).to_string() })
            .collect();
        Self { report, chunks }
    }

    /// Whether there is anything to tell after `before`: how long it took is no news.
    pub(super) fn is_news(&self, before: &Self) -> bool {
        let timeless = proto::Report { latency_us: before.report.latency_us, ..self.report.clone() };
        timeless != before.report
    }
}

fn message(tools: usize, omitted: &Omitted) -> String {
    let mut message = format!("{tools} tools");
    for (index, (why, count)) in omitted.0.iter().take(4).enumerate() {
        let before = if index == 0 { format!(", {} left out: ", omitted.count()) } else { "; ".to_owned() };
        message.push_str(&format!("{before}{why} ({count})"));
    }
    message
}

/// The digest of a catalogue, over the digests of its definitions in order.
fn digest(tools: &[proto::Tool]) -> String {
    let mut hash = Sha256::new();
    for tool in tools {
        hash.update(tool.digest.as_bytes());
        hash.update(b"\n");
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

fn chunks(server: &Name, tools: &[proto::Tool]) -> Vec<(Name, Bytes)> {
    let mut chunks: Vec<proto::Chunk> = Vec::new();
    let mut room = 0;
    for tool in tools {
        let size = tool.definition.len() + tool.name.len() + tool.digest.len() + 16;
        if size > room {
            chunks.push(proto::Chunk::default());
            room = CHUNK_BYTES;
        }
        room = room.saturating_sub(size);
        if let Some(chunk) = chunks.last_mut() {
            chunk.tools.push(tool.clone());
        }
    }
    let encode = |(index, chunk)| (Name::chunk(server.namespace(), server.name(), index), Body::from(chunk).encode());
    chunks.into_iter().enumerate().map(encode).collect()
}

#[cfg(test)]
mod tests;
