//! Expressions: the condition of a rule, as it is parsed, asked about and evaluated.

use std::fmt;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use crate::check::{Checked, Members};
use crate::convert::Fuel;
use crate::cost::Level;
use crate::env::Pattern;
use crate::error::{EvalError, ParseError};
use crate::facts::Facts;
use crate::leaf::{Ask, Leaf};
use crate::place::Root;
use crate::syntax;
use crate::term::{Bindings, Term};
use crate::variable::{Variable, VariableSet};

/// A checked condition. Cheap to evaluate, and shared by every thread.
pub struct Expression {
    term: Term,
    leaves: Vec<Leaf>,
    patterns: Vec<Pattern>,
    variables: VariableSet,
    claims: Members,
    arguments: Members,
    cost: u64,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Expression {
    /// Parses and checks a condition: at most 4 KiB, two nested macros, known variables, members and functions only.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        if source.is_empty() {
            return Err(ParseError::at_start("empty: leave it out if the rule always holds".into()));
        }
        let (tree, info) = syntax::parse(source)?;
        let mut checked = Checked::default();
        let tree = checked.visit(tree, Level::TOP).map_err(|(id, message)| locate(source, &info, id, message))?;
        if is_never_a_condition(&tree, &checked.leaves) {
            return Err(ParseError::at_start("not a condition: it is never true or false".into()));
        }
        let Checked { leaves, patterns, variables, claims, arguments, evaluations, .. } = checked;
        Ok(Self { term: Term::of(tree), leaves, patterns, variables, claims, arguments, cost: evaluations })
    }

    /// Every variable that it can read.
    pub fn variables(&self) -> VariableSet {
        self.variables
    }

    /// The claims that it can read, in order; `None`: any of them.
    pub fn claims(&self) -> Option<impl Iterator<Item = &str>> {
        self.claims.0.as_ref().map(|names| names.iter().map(String::as_str))
    }

    /// The arguments that it can read, in order; `None`: any of them.
    pub fn arguments(&self) -> Option<impl Iterator<Item = &str>> {
        self.arguments.0.as_ref().map(|names| names.iter().map(String::as_str))
    }

    /// What it costs at most, in evaluations of a node (some tens of nanoseconds each). A plain comparison costs one.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Whether the condition holds.
    pub fn evaluate(&self, facts: &dyn Facts) -> Result<bool, EvalError> {
        let bindings = Bindings { leaves: &self.leaves, patterns: &self.patterns, facts, fuel: Fuel::new() };
        let answer = self.term.holds(&bindings);
        // An error may have been absorbed by an operator, but not this one: the answer could be wrong.
        if bindings.fuel.is_spent() { Err(EvalError::TooCostly) } else { answer }
    }
}

/// Nodes that macros add have no place of their own: the nearest one before them has.
fn locate(source: &str, info: &SourceInfo, id: u64, message: String) -> ParseError {
    let offset = (0..=id).rev().find_map(|id| info.offset_for(id)).map_or(0, |(start, _)| start as usize);
    let before = source.get(..offset.min(source.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    ParseError { message, line: number(line), column: number(column) }
}

/// What can be told without a type checker: such a rule would silently never hold.
fn is_never_a_condition(tree: &IdedExpr, leaves: &[Leaf]) -> bool {
    match &tree.expr {
        Expr::List(_) | Expr::Map(_) => true,
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::Ident(name) => name.strip_prefix('#').and_then(|leaf| leaves.get(leaf.parse::<usize>().ok()?)).is_some_and(|leaf| {
            let is_text = matches!(leaf.place.root, Root::Variable(variable) if !matches!(variable, Variable::IdentityClaims | Variable::Arguments));
            matches!(leaf.ask, Ask::Value) && (is_text || leaf.place.optional.is_some() || leaf.place.steps.is_empty()) && !matches!(leaf.place.root, Root::Hint(_))
        }),
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            let computes = [operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::MODULO, operators::NEGATE];
            computes.contains(&name) || ["size", "string", "int", "uint", "double", "lowerAscii", "upperAscii", "trim"].contains(&name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
