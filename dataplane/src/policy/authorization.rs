//! The `authorization` section of one policy, and the three questions that it answers: of a call, of an item, of a principal.

use std::sync::Arc;

use portolan_config::proto;
use portolan_expr::{Expression, Facts};

use super::facts::Known;
use crate::mcp::glob::GlobSet;

/// Rules of a section. Verdicts are linear in it.
const RULES: usize = 256;
/// What all conditions of a section may cost together, in evaluations of a node: a few milliseconds at the very worst.
const COST: u64 = 48_000;
/// Patterns of a rule.
const PATTERNS: usize = 256;

/// One section, compiled. Deny beats Allow, and order does not matter.
pub(super) struct Authorization {
    denies: Vec<Rule>,
    allows: Vec<Rule>,
    default_allows: bool,
}

struct Rule {
    name: Arc<str>,
    /// Empty: every tool.
    tools: GlobSet,
    /// Absent: always.
    when: Option<Expression>,
}

/// The rule that denies; `DEFAULT` where none allows.
pub(super) type DeniedBy = Arc<str>;

const DEFAULT: &str = "default";

impl Authorization {
    pub(super) fn compile(section: &proto::Authorization) -> Result<Self, String> {
        if section.rules.len() > RULES {
            return Err(format!("authorization.rules: more than {RULES}"));
        }
        let (mut denies, mut allows) = (Vec::new(), Vec::new());
        for rule in &section.rules {
            let compiled = Rule::compile(rule)?;
            match rule.action() {
                proto::Action::Deny => denies.push(compiled),
                proto::Action::Allow => allows.push(compiled),
            }
        }
        let cost: u64 = denies.iter().chain(&allows).filter_map(|rule| rule.when.as_ref()).map(Expression::cost).sum();
        if cost > COST {
            return Err(
                "authorization.rules: together they cost too much: use fewer macros over claims and arguments".into()
            );
        }
        Ok(Self { denies, allows, default_allows: section.default() == proto::Action::Allow })
    }

    /// Whether a call is denied. A Deny that cannot be evaluated denies; an Allow that cannot be evaluated does not allow.
    pub(super) fn denies_call(&self, tool: &str, facts: &Known<'_>) -> Option<DeniedBy> {
        let denied = self.denies.iter().find(|rule| rule.concerns(tool) && rule.holds(facts).unwrap_or(true));
        if let Some(rule) = denied {
            return Some(Arc::clone(&rule.name));
        }
        let allowed = self.default_allows
            || self.allows.iter().any(|rule| rule.concerns(tool) && rule.holds(facts).unwrap_or(false));
        (!allowed).then(|| DEFAULT.into())
    }

    /// Whether a tool is hidden. What only a call could tell is passed over in a Deny, and counts as possible in an Allow.
    pub(super) fn hides(&self, tool: &str, facts: &Known<'_>) -> bool {
        let denied = |rule: &Rule| rule.concerns(tool) && !rule.needs_call() && rule.holds(facts).unwrap_or(true);
        let possible = |rule: &Rule| rule.concerns(tool) && (rule.needs_call() || rule.holds(facts).unwrap_or(false));
        self.denies.iter().any(denied) || !(self.default_allows || self.allows.iter().any(possible))
    }

    /// Whether identity alone keeps a principal from everything.
    pub(super) fn denies_identity(&self, facts: &Known<'_>) -> bool {
        let denied =
            |rule: &Rule| rule.tools.is_empty() && rule.is_identity_only() && rule.holds(facts).unwrap_or(true);
        let possible = |rule: &Rule| !rule.is_identity_only() || rule.holds(facts).unwrap_or(false);
        self.denies.iter().any(denied) || !(self.default_allows || self.allows.iter().any(possible))
    }

    /// The conditions of all rules.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.denies.iter().chain(&self.allows).filter_map(|rule| rule.when.as_ref())
    }
}

impl Rule {
    fn compile(rule: &proto::Rule) -> Result<Self, String> {
        let at =
            |field: &str, fault: &dyn std::fmt::Display| format!("authorization.rules[{}].{field}: {fault}", rule.name);
        if rule.tools.len() > PATTERNS {
            return Err(at("tools", &format_args!("more than {PATTERNS} patterns")));
        }
        let when = match rule.when.as_str() {
            "" => None,
            source => Some(Expression::parse(source).map_err(|error| at("when", &error))?),
        };
        Ok(Self { name: rule.name.as_str().into(), tools: GlobSet::new(&rule.tools), when })
    }

    fn concerns(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.matches(tool)
    }

    /// `None`: it cannot be told.
    fn holds(&self, facts: &dyn Facts) -> Option<bool> {
        self.when.as_ref().map_or(Some(true), |when| when.evaluate(facts).ok())
    }

    fn needs_call(&self) -> bool {
        self.when.as_ref().is_some_and(|when| when.variables().needs_call())
    }

    fn is_identity_only(&self) -> bool {
        self.when.as_ref().is_none_or(|when| when.variables().is_identity_only())
    }
}

#[cfg(test)]
mod tests;
