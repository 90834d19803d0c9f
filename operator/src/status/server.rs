//! The status of an McpServer.

use portolan_config::proto::Report;
use portolan_crds::{
    ConditionType, Finding, Reason,
    server::{Catalogue, McpServerStatus, ServerInfo},
};

use super::{Moment, continued};
use crate::translate::exposure::Listing;

/// What is known of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerFacts<'a> {
    /// The newest report of the gateway that it is assigned to.
    pub report: Option<&'a Report>,
    /// Its catalogue.
    pub listing: Option<&'a Listing>,
}

/// Whether a gateway has done the handshake. `None`: nobody has said anything since this operator started.
#[must_use]
pub fn verified(facts: ServerFacts<'_>) -> Option<Finding> {
    let report = facts.report?;
    let condition = ConditionType::Verified;
    if !report.verified {
        return Some(Finding::fails(condition, reason(&report.reason), report.message.clone()));
    }
    let tools = facts.listing.map_or(0, |listing| listing.tools.len());
    let newest = report.facts.as_ref().and_then(|facts| facts.revisions.first());
    let revision = newest.map(|revision| format!(", revision {revision}")).unwrap_or_default();
    Some(Finding::holds(condition, Reason::Verified, format!("{tools} tools{revision}")))
}

/// The status that follows from `findings` and `facts`, continuing `old`.
#[must_use]
pub fn server(findings: &[Finding], facts: ServerFacts<'_>, old: &McpServerStatus, moment: Moment) -> McpServerStatus {
    let handshake = facts.listing.and_then(|listing| listing.facts.as_ref());
    let info = handshake.map(|facts| {
        ServerInfo::bounded(&facts.server_name, &facts.server_version, &facts.revisions, &facts.capabilities)
    });
    let catalogue = facts.listing.map(|listing| Catalogue {
        tools: i64::try_from(listing.tools.len()).unwrap_or(i64::MAX),
        digest: listing.digest.clone(),
    });
    McpServerStatus {
        conditions: continued(findings, &old.conditions, moment),
        server_info: info.or_else(|| old.server_info.clone()),
        catalogue: catalogue.or_else(|| old.catalogue.clone()),
    }
}

/// The reason that a gateway's word means. A word of a newer gateway is told as what it is for us: an answer that we cannot use.
fn reason(word: &str) -> Reason {
    let known = [
        Reason::NoEndpoints,
        Reason::Unreachable,
        Reason::AddressForbidden,
        Reason::TimedOut,
        Reason::Unauthorized,
        Reason::UnsupportedRevision,
    ];
    known.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Reason::ProtocolError)
}
