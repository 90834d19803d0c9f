//! Places: paths from a variable down to a value, such as `identity.claims.team` or `arguments.?branch`.
//!
//! A place is found by walking down a chain of selections, and is followed on plain JSON without the interpreter.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use crate::variable::{Hint, Variable};

/// One step down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A member of an object.
    Key(String),
    /// An element of a list.
    At(usize),
}

/// Where a place begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Root {
    /// A variable.
    Variable(Variable),
    /// One of the annotations.
    Hint(Hint),
}

/// A path to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) root: Root,
    pub(crate) steps: Vec<Step>,
    /// The first step that was written `.?` or `[?...]`: from there on nothing needs to be there.
    pub(crate) optional: Option<usize>,
}

/// A chain of selections as it was written: root first.
pub(crate) struct Chain<'e> {
    pub(crate) root: &'e str,
    /// The root's own node.
    pub(crate) root_id: u64,
    links: Vec<(u64, Step, bool)>,
    /// `has(...)` around it.
    pub(crate) test: bool,
}

/// Why a chain is no place: the node to point at, and the message.
pub(crate) type Fault = (u64, String);

const ROOTS: &str = "known are identity, tool, arguments and request";

impl<'e> Chain<'e> {
    /// The chain that `expr` spells, if it is one.
    pub(crate) fn of(expr: &'e IdedExpr) -> Option<Self> {
        let mut links = Vec::new();
        let mut at = expr;
        let mut test = false;
        loop {
            match &at.expr {
                Expr::Ident(root) => {
                    links.reverse();
                    return Some(Self { root, root_id: at.id, links, test });
                }
                Expr::Select(select) if !select.test || links.is_empty() => {
                    test |= select.test;
                    links.push((at.id, Step::Key(select.field.clone()), false));
                    at = &select.operand;
                }
                Expr::Call(call) if call.target.is_none() && call.args.len() == 2 => {
                    let optional = match call.func_name.as_str() {
                        operators::INDEX => false,
                        operators::OPT_INDEX | operators::OPT_SELECT => true,
                        _ => return None,
                    };
                    let step = match &call.args[1].expr {
                        Expr::Literal(LiteralValue::String(key)) => Step::Key(key.inner().to_owned()),
                        Expr::Literal(LiteralValue::Int(at)) => Step::At(usize::try_from(*at.inner()).ok()?),
                        _ => return None,
                    };
                    links.push((at.id, step, optional));
                    at = &call.args[0];
                }
                _ => return None,
            }
        }
    }

    /// The place that the chain leads to; refuses what no variable has.
    pub(crate) fn resolve(&self) -> Result<Place, Fault> {
        if self.root == "arguments" {
            return Ok(self.place(Variable::Arguments, 0));
        }
        if !matches!(self.root, "identity" | "tool" | "request") {
            return Err((self.root_id, format!("unknown variable `{}`: {ROOTS}", self.root)));
        }
        let (variable, rest) = match self.links.first() {
            Some((id, Step::Key(member), optional)) => {
                let known = Variable::of(self.root, member).ok_or_else(|| (*id, self.unknown(member)))?;
                if *optional {
                    return Err((*id, format!("`{}` is always there: write it without `?`", known.as_str())));
                }
                (known, &self.links[1..])
            }
            _ => return Err((self.root_id, format!("`{}` is not a value: {}", self.root, self.members()))),
        };
        match (variable, rest) {
            (Variable::ToolAnnotations, [(id, Step::Key(name), optional)]) => {
                let hint = Hint::of(name).filter(|_| !optional).ok_or_else(|| (*id, annotations()))?;
                Ok(Place { root: Root::Hint(hint), steps: Vec::new(), optional: None })
            }
            (Variable::ToolAnnotations, _) => Err((self.last_id(), annotations())),
            (Variable::RequestHeaders, [(_, Step::Key(_), _)]) => Ok(self.place(variable, 1)),
            (Variable::RequestHeaders, _) => Err((
                self.last_id(),
                "name one header: request.headers[\"x-name\"] or request.headers[?\"x-name\"]".into(),
            )),
            (_, [(id, ..), ..]) if !variable.is_open() => Err((*id, format!("`{}` has no members", variable.as_str()))),
            _ => Ok(self.place(variable, 1)),
        }
    }

    fn place(&self, variable: Variable, skip: usize) -> Place {
        let rest = &self.links[skip..];
        let steps = rest.iter().map(|(_, step, _)| step.clone()).collect();
        Place { root: Root::Variable(variable), steps, optional: rest.iter().position(|(_, _, optional)| *optional) }
    }

    fn unknown(&self, member: &str) -> String {
        format!("`{}` has no member `{member}`: {}", self.root, self.members())
    }

    fn members(&self) -> String {
        let known = Variable::ALL.iter().filter_map(|variable| variable.as_str().split_once('.'));
        let names: Vec<_> = known.filter(|(root, _)| *root == self.root).map(|(_, member)| member).collect();
        format!("it has {}", names.join(", "))
    }

    fn last_id(&self) -> u64 {
        self.links.last().map_or(self.root_id, |(id, ..)| *id)
    }
}

fn annotations() -> String {
    "tool.annotations has readOnlyHint, destructiveHint, idempotentHint and openWorldHint, each always set".into()
}

impl Place {
    /// The value at the place, looked up in the root's value. `Ok(None)`: the last step leads nowhere, or an optional one does;
    /// `Err`: something on the way is not there.
    pub(crate) fn look<'v>(&self, value: &'v Value) -> Result<Option<&'v Value>, Absent> {
        let Some(first_optional) = self.optional else { return follow(value, &self.steps) };
        let (way, rest) = self.steps.split_at(first_optional);
        let holder = follow(value, way)?.ok_or(Absent)?;
        Ok(follow(holder, rest).unwrap_or(None))
    }
}

/// Follows `steps` down from `value`. `Ok(None)`: the last one is not there; `Err`: something on the way is not.
fn follow<'v>(value: &'v Value, steps: &[Step]) -> Result<Option<&'v Value>, Absent> {
    let Some((last, way)) = steps.split_last() else { return Ok(Some(value)) };
    let holder = way.iter().try_fold(value, |at, step| down(at, step)?.ok_or(Absent))?;
    down(holder, last)
}

/// There is no such value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Absent;

fn down<'v>(value: &'v Value, step: &Step) -> Result<Option<&'v Value>, Absent> {
    match (value, step) {
        (Value::Object(members), Step::Key(key)) => Ok(members.get(key)),
        (Value::Array(elements), Step::At(at)) => Ok(elements.get(*at)),
        _ => Err(Absent),
    }
}
