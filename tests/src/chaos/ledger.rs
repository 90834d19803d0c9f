//! What each side wrote down of every call, as plain data: the clients, the gateways' audit logs, the servers; and what was done to whom meanwhile.
//!
//! The three are joined by the call's id, which is its trace id at the gateways and its argument at the servers. Nothing here judges.

use std::{fmt, time::Duration};

use serde::Deserialize;

use super::schedule::What;

/// Since the run began.
pub type Time = Duration;

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A call of a tool of this server.
    Call(usize),
    /// A session.
    Initialize,
    /// Nothing: it said that its session is as it should be.
    Initialized,
    /// The end of its session.
    Delete,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for.
    Success,
    /// A result that says it failed.
    Failed(String),
    /// The gateway said no.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The JSON-RPC code.
        code: Option<i64>,
        /// The words.
        text: String,
    },
    /// The gateway let it go on, and gave no answer: the permission was withdrawn meanwhile.
    Withdrawn,
    /// No connection, or one that broke.
    Broken(String),
    /// Nothing, until the client lost patience.
    Silence,
    /// The client went away while it waited, as it had meant to.
    Left,
    /// An answer that is none to this call.
    Wrong(String),
}

impl Outcome {
    /// One word for it.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Success => "success".to_owned(),
            Self::Failed(_) => "failed result".to_owned(),
            Self::Refused { status, code: Some(code), .. } => format!("refused {status} {code}"),
            Self::Refused { status, .. } => format!("refused {status}"),
            Self::Withdrawn => "withdrawn".to_owned(),
            Self::Broken(_) => "broken connection".to_owned(),
            Self::Silence => "silence".to_owned(),
            Self::Left => "client left".to_owned(),
            Self::Wrong(_) => "wrong answer".to_owned(),
        }
    }

    /// Refused before a route took it: for nobody to account for.
    #[must_use]
    pub fn is_unrouted(&self) -> bool {
        match self {
            Self::Refused { status: 404, code: None, .. } => true,
            Self::Refused { status: 503, text, .. } => text.contains("no configuration yet"),
            _ => false,
        }
    }
}

/// A client's line: one attempt, which is never repeated.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id, from 1.
    pub id: u64,
    /// Who calls.
    pub client: String,
    /// The tenant that the caller belongs to.
    pub principal: usize,
    /// The tenant whose route is called.
    pub route: usize,
    /// The gateway that is called.
    pub gateway: usize,
    /// What is asked for.
    pub asked: Asked,
    /// When it was sent.
    pub began: Time,
    /// When its outcome was known.
    pub ended: Time,
    /// What came back.
    pub outcome: Outcome,
}

/// A gateway's line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The gateway.
    pub gateway: usize,
    /// The call.
    pub id: u64,
    /// What it says.
    pub record: Record,
}

/// As much of an audit record as the claims are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// The route, `namespace/name`.
    pub route: Option<String>,
    /// The server, `namespace/name`.
    pub server: Option<String>,
    /// The principal.
    pub principal: Option<String>,
    /// The verdict.
    pub verdict: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's JSON-RPC code.
    pub code: Option<i64>,
}

impl Record {
    /// Whether the gateway let the call go on.
    #[must_use]
    pub fn admits(&self) -> bool {
        matches!(self.verdict.as_str(), "allow" | "would_deny" | "would_limit")
    }
}

/// A server's line: a call that ran.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The call.
    pub id: u64,
    /// The trace that the gateway named.
    pub trace: u64,
    /// The server.
    pub server: usize,
    /// When it ran.
    pub at: Time,
}

/// A fault as it happened.
#[derive(Debug, Clone, Copy)]
pub struct Happened {
    /// What happened to whom.
    pub what: What,
    /// When it began.
    pub began: Time,
    /// When it was over: whoever was killed is back.
    pub ended: Time,
}

/// A server of the run.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name in its namespace.
    pub name: String,
    /// The tenant that it belongs to.
    pub tenant: usize,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Ledgers {
    /// The tenants' namespaces.
    pub tenants: Vec<String>,
    /// The servers.
    pub servers: Vec<Place>,
    /// Calls that were begun.
    pub begun: u64,
    /// The clients' ledger.
    pub calls: Vec<Call>,
    /// The gateways' ledger.
    pub lines: Vec<Line>,
    /// Lines of the gateways that are not whole, or of nobody's call.
    pub strange: Vec<String>,
    /// The servers' ledger.
    pub runs: Vec<Run>,
    /// What was done to whom.
    pub faults: Vec<Happened>,
}

impl Ledgers {
    /// Takes a gateway's audit log in.
    pub fn read_audit(&mut self, gateway: usize, log: &str) {
        for line in log.lines() {
            let record: Option<Record> = serde_json::from_str(line).ok();
            match record.and_then(|record| Some((id_of_trace(&record.trace_id)?, record))) {
                Some((id, record)) => self.lines.push(Line { gateway, id, record }),
                None => self.strange.push(format!("gateway-{gateway}: {line}")),
            }
        }
    }
}

/// The `traceparent` of a call.
#[must_use]
pub fn traceparent(id: u64) -> String {
    format!("00-{id:032x}-{id:016x}-00")
}

/// The call that a trace id names, if it is one of ours.
#[must_use]
pub fn id_of_trace(trace: &str) -> Option<u64> {
    let id = u128::from_str_radix(trace, 16).ok()?;
    u64::try_from(id).ok().filter(|id| *id > 0 && trace.len() == 32)
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "call {} of {} to tenant {} on gateway-{}: {:?}, {:.3}s to {:.3}s, {:?}",
            self.id,
            self.client,
            self.route,
            self.gateway,
            self.asked,
            self.began.as_secs_f64(),
            self.ended.as_secs_f64(),
            self.outcome,
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { route, server, principal, verdict, status, code, .. } = &self.record;
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        write!(formatter, "audit of gateway-{}: {verdict} {status}", self.gateway)?;
        if let Some(code) = code {
            write!(formatter, " {code}")?;
        }
        write!(formatter, ", route {}, server {}, principal {}", text(route), text(server), text(principal))
    }
}

#[cfg(test)]
mod tests;
