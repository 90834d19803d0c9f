//! Phases 5 to 7: the name that the agent used, whether it may be called, and how often.
//!
//! One verdict: what hides a tool from a list also keeps it from being called, and a hidden tool and an absent one answer alike.

use std::sync::Arc;

use http::StatusCode;

use super::exchange::Exchange;
use super::message::{self, Message};
use super::refusal::{By, Refusal};
use crate::mcp::revision::Era;
use crate::mcp::{error, param};
use crate::policy::{CallFacts, Identity, ItemFacts, PolicySet, Verdict};
use crate::snapshot::{Route, Server, Tool};
use crate::telemetry::Verdict as Record;

/// A call that may go on.
pub struct Target {
    /// The tool's number in its route.
    pub index: usize,
    /// Where it goes.
    pub server: Arc<Server>,
}

/// Refuses a principal whom identity alone keeps from everything here.
pub fn endpoint(route: &Route, identity: &Identity) -> Result<(), Refusal> {
    match route.policy.denies_endpoint(identity) {
        Some(policy) => Err(Refusal::http(StatusCode::FORBIDDEN, "denied").by(By { policy, rule: Arc::from("") })),
        None => Ok(()),
    }
}

/// The tool that a call names, if this principal may call it, and often enough.
pub fn target(exchange: &mut Exchange<'_>, message: &Message) -> Result<Target, Refusal> {
    let route = Arc::clone(&exchange.route);
    let name = message.name().unwrap_or_default();
    let (index, tool) = route.tools.find(&name).ok_or_else(|| unknown(&name))?;
    let server = route.servers[tool.server].server.clone().ok_or_else(|| unknown(&name))?;
    exchange.account.resolved(&tool.series);
    authorize(exchange, message, tool, &server)?;
    if server.closed {
        return Err(Refusal::unavailable(&format!("server {} is held: its configuration is invalid", server.label)));
    }
    mirrored(exchange, message, tool)?;
    limit(exchange, message, tool, &server)?;
    Ok(Target { index, server })
}

/// A modern client's headers must say what its arguments say.
fn mirrored(exchange: &Exchange<'_>, message: &Message, tool: &Tool) -> Result<(), Refusal> {
    if message.era() == Era::Legacy {
        return Ok(());
    }
    param::validate(&exchange.headers, &tool.headers, message.arguments())
        .map_err(|fault| message::faulty(&fault, None))
}

/// The answer for a tool that is not there, or must not be known to be.
fn unknown(name: &str) -> Refusal {
    Refusal::rpc(StatusCode::OK, "unknown_tool", None, error::INVALID_PARAMS, format!("unknown tool: {name}"))
}

fn facts<'a>(exchange: &'a Exchange<'_>, message: &'a Message, tool: &'a Tool, server: &'a Server) -> CallFacts<'a> {
    CallFacts {
        identity: &exchange.identity,
        tool_name: &tool.exposed,
        tool_server: &server.label,
        annotations: &tool.hints,
        arguments: message.arguments(),
        method: "tools/call",
        host: &exchange.host,
        path: &exchange.route.path,
        headers: &exchange.headers,
        revision: message.revision().as_str(),
    }
}

/// The route's policies see the exposed name, the server's own the name that the server gave.
fn authorize(exchange: &mut Exchange<'_>, message: &Message, tool: &Tool, server: &Server) -> Result<(), Refusal> {
    let as_agent = facts(exchange, message, tool, server);
    let as_server = CallFacts { tool_name: &tool.own, ..as_agent };
    let judgements = [exchange.route.policy.judge(&as_agent), server.policy.judge(&as_server)];
    for judgement in judgements {
        if let Some((policy, rule)) = judgement.would_deny {
            exchange.account.judged(Record::WouldDeny, Some(policy), Some(rule));
        }
        if let Verdict::Deny { policy, rule } = judgement.verdict {
            let refusal = if may_be_seen(exchange, tool, server) {
                denied(message.era(), By { policy, rule })
            } else {
                unknown(&tool.exposed).by(By { policy, rule })
            };
            return Err(refusal);
        }
    }
    Ok(())
}

fn may_be_seen(exchange: &Exchange<'_>, tool: &Tool, server: &Server) -> bool {
    let sees = |policies: &PolicySet, tool_name| {
        policies.visible(&ItemFacts {
            identity: &exchange.identity,
            tool_name,
            tool_server: &server.label,
            annotations: &tool.hints,
        })
    };
    sees(&exchange.route.policy, &tool.exposed) && sees(&server.policy, &tool.own)
}

fn denied(era: Era, by: By) -> Refusal {
    let status = if era == Era::Modern { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let message = format!("denied by policy {}, rule {}", by.policy, by.rule);
    Refusal::rpc(status, "denied", None, error::DENIED, message).by(by)
}

fn limit(exchange: &mut Exchange<'_>, message: &Message, tool: &Tool, server: &Server) -> Result<(), Refusal> {
    let (pods, now) = (exchange.snapshot.pods, exchange.context.monotonic());
    let mut would = None;
    let as_agent = facts(exchange, message, tool, server);
    let as_server = CallFacts { tool_name: &tool.own, ..as_agent };
    // In turn: a call that the route's limit refuses must not use up the server's.
    for (policies, facts) in [(&exchange.route.policy, as_agent), (&server.policy, as_server)] {
        let outcome = policies.limit(&facts, &exchange.context.limiter, pods, now);
        if let Some(limited) = outcome.limited {
            let by = By { policy: limited.policy, rule: limited.name };
            return Err(Refusal::limited(None, by, limited.retry_after));
        }
        would = would.or(outcome.would_limit);
    }
    if let Some((policy, rule)) = would {
        exchange.account.judged(Record::WouldLimit, Some(policy), Some(rule));
    }
    Ok(())
}
