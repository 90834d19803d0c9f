//! Makes a server's catalogue from what its gateway reported.

use portolan_config::proto::{Catalogue, Report};

/// The catalogue after `report`, at `now` (milliseconds since 1970). `None`: nobody has ever listed the server.
///
/// A server that stops answering keeps its last catalogue, marked with when the lists were last known to be true.
pub fn catalogue(server: &str, previous: Option<Catalogue>, report: &Report, now: i64) -> Option<Catalogue> {
    if report.verified {
        return Some(Catalogue {
            server: server.to_owned(),
            digest: report.digest.clone(),
            chunks: report.chunks.iter().map(|chunk| chunk.name.clone()).collect(),
            facts: report.facts.clone(),
            stale_since_ms: 0,
        });
    }
    let mut previous = previous?;
    if previous.stale_since_ms == 0 {
        previous.stale_since_ms = now;
    }
    Some(previous)
}

#[cfg(test)]
mod tests;
