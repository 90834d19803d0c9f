//! Findings that every kind has: Accepted, ResolvedRefs, PartiallyInvalid, PolicyAffected and Programmed.

use portolan_crds::{ConditionType, Finding, Reason};

use crate::{
    core::Reached,
    object::{Key, ObjectKey},
    translate::{Effect, Problem},
};

/// How far an object has come.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Where its newest edit is in force.
    pub reached: &'a Reached,
    /// Whether some version of it is in force.
    pub in_force: bool,
    /// Whether the fleet may only be away for a moment: nobody is connected, but not for long.
    pub brief_absence: bool,
    /// Whether this generation was programmed everywhere already.
    pub was_programmed: bool,
}

/// The findings of an object's problems, for `target` where it is a policy.
#[must_use]
pub fn of_problems(problems: &[Problem], target: Option<&ObjectKey>) -> Vec<Finding> {
    let with = |effect| {
        let concerned = move |problem: &&Problem| problem.target.is_none() || problem.target.as_ref() == target;
        problems.iter().filter(move |problem| problem.effect == effect).filter(concerned)
    };
    let mut findings = Vec::new();
    findings.push(match summary(with(Effect::Refused)) {
        Some((reason, message)) => Finding::fails(ConditionType::Accepted, reason, message),
        None => Finding::holds(ConditionType::Accepted, Reason::Accepted, "in use"),
    });
    findings.push(match summary(with(Effect::Unresolved)) {
        Some((reason, message)) => Finding::fails(ConditionType::ResolvedRefs, reason, message),
        None => Finding::holds(ConditionType::ResolvedRefs, Reason::ResolvedRefs, "all references are resolved"),
    });
    if let Some((reason, message)) = summary(with(Effect::Partial)) {
        findings.push(Finding::holds(ConditionType::PartiallyInvalid, reason, message));
    }
    findings
}

/// Reason of the first, sentences of all.
fn summary<'a>(problems: impl Iterator<Item = &'a Problem>) -> Option<(Reason, String)> {
    let mut problems = problems.peekable();
    let reason = problems.peek()?.reason;
    let sentences: Vec<String> = problems.map(Problem::sentence).collect();
    Some((reason, sentences.join(". ")))
}

/// Which policies apply, if any do.
pub fn affected<'a>(policies: impl Iterator<Item = &'a Key>) -> Option<Finding> {
    let names: Vec<&str> = policies.map(|policy| policy.name.as_str()).collect();
    let message = format!("by McpPolicy {}", names.join(", "));
    (!names.is_empty()).then(|| Finding::holds(ConditionType::PolicyAffected, Reason::PolicyAffected, message))
}

/// Whether the gateways serve it. `None`: nothing new is known, so what was said stays.
#[must_use]
pub fn programmed(accepted: &Finding, standing: Standing<'_>) -> Option<Finding> {
    let condition = ConditionType::Programmed;
    let reached = standing.reached;
    if accepted.status != portolan_crds::Status::True {
        if standing.brief_absence && !standing.in_force {
            // A gateway that has a last good version may be on its way.
            return None;
        }
        let held =
            if standing.in_force { "the last good version stays in force" } else { "no version of it is in force" };
        return Some(Finding::fails(condition, Reason::Held, format!("{}: {held}", accepted.reason)));
    }
    if let Some((gateway, reason)) = &reached.rejected {
        let message = format!("{}; {gateway}: {reason}", pods(reached));
        return Some(Finding::fails(condition, Reason::Rejected, message));
    }
    if reached.everywhere() {
        let time = reached.propagation.map(|time| format!(", {time} ms")).unwrap_or_default();
        return Some(Finding::holds(condition, Reason::Programmed, pods(reached) + &time));
    }
    if standing.was_programmed && (reached.total > 0 || standing.brief_absence) {
        return None;
    }
    if reached.total == 0 {
        return Some(Finding::unknown(condition, Reason::NoGateways, "no gateway is connected"));
    }
    Some(Finding::fails(condition, Reason::Pending, pods(reached)))
}

fn pods(reached: &Reached) -> String {
    format!("{}/{} gateway pods", reached.acknowledged, reached.total)
}

#[cfg(test)]
mod tests;
