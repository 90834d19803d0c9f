//! The boolean skeleton of an expression: leaves are answered directly, and only what needs the interpreter goes there.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Value};
use std::sync::Arc;

use crate::convert::Fuel;
use crate::env::{ENV, Pattern};
use crate::error::EvalError;
use crate::facts::Facts;
use crate::leaf::Leaf;

/// A condition.
#[derive(Debug)]
pub(crate) enum Term {
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
    Not(Box<Self>),
    Known(bool),
    /// Leaf number N.
    Ask(usize),
    /// For the interpreter.
    Other(IdedExpr),
}

impl Term {
    pub(crate) fn of(mut expr: IdedExpr) -> Self {
        if let Expr::Call(call) = &mut expr.expr {
            match (call.func_name.as_str(), call.args.as_mut_slice()) {
                (operators::LOGICAL_AND, [left, right]) => return Self::And(Self::pair(left, right)),
                (operators::LOGICAL_OR, [left, right]) => return Self::Or(Self::pair(left, right)),
                (operators::LOGICAL_NOT, [one]) => return Self::Not(Box::new(Self::of(std::mem::take(one)))),
                _ => {}
            }
        }
        match &expr.expr {
            Expr::Literal(LiteralValue::Boolean(value)) => Self::Known(*value.inner()),
            Expr::Ident(name) => number(name, '#').map_or_else(|| Self::Other(expr.clone()), Self::Ask),
            _ => Self::Other(expr),
        }
    }

    fn pair(left: &mut IdedExpr, right: &mut IdedExpr) -> Box<(Self, Self)> {
        Box::new((Self::of(std::mem::take(left)), Self::of(std::mem::take(right))))
    }

    /// The answer, by the rules of the language: what decides alone hides an error beside it.
    pub(crate) fn holds(&self, bindings: &Bindings<'_>) -> Result<bool, EvalError> {
        match self {
            Self::Known(answer) => Ok(*answer),
            Self::Ask(leaf) => bindings.leaves[*leaf].holds(bindings.facts).map_err(|_| EvalError::Failed),
            Self::Not(term) => Ok(!term.holds(bindings)?),
            Self::And(terms) => decide(&terms.0, &terms.1, false, bindings),
            Self::Or(terms) => decide(&terms.0, &terms.1, true, bindings),
            Self::Other(expr) => interpret(expr, bindings),
        }
    }
}

/// `deciding` alone is the answer, whichever side says it.
fn decide(left: &Term, right: &Term, deciding: bool, bindings: &Bindings<'_>) -> Result<bool, EvalError> {
    let left = left.holds(bindings);
    if left == Ok(deciding) {
        return left;
    }
    match right.holds(bindings)? {
        right if right == deciding => Ok(deciding),
        _ => left,
    }
}

fn interpret(expr: &IdedExpr, bindings: &Bindings<'_>) -> Result<bool, EvalError> {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.set_variable_resolver(bindings);
    let value = Value::resolve_val(expr, &context).map_err(|_| EvalError::Failed)?;
    value.downcast_ref::<CelBool>().map(|answer| *answer.inner()).ok_or(EvalError::NotACondition)
}

/// What names stand for in one evaluation.
pub(crate) struct Bindings<'e> {
    pub(crate) leaves: &'e [Leaf],
    pub(crate) patterns: &'e [Pattern],
    pub(crate) facts: &'e dyn Facts,
    pub(crate) fuel: Fuel,
}

impl VariableResolver for Bindings<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(leaf) = number(variable, '#') {
            return self.leaves.get(leaf)?.value(self.facts, &self.fuel);
        }
        number(variable, '%').and_then(|at| self.patterns.get(at)).map(|pattern| CowVal::Borrowed(pattern as _))
    }
}

/// The number of a generated name; no name that users write begins with such a mark.
fn number(name: &str, mark: char) -> Option<usize> {
    name.strip_prefix(mark)?.parse().ok()
}
