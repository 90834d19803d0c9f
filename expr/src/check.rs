//! The walk over the syntax tree: refuses what cannot be evaluated or costs too much, and puts a leaf in place of every place.
//!
//! The library has no type checker, so a misspelt member would otherwise only show when a rule fails to hold.

use std::collections::BTreeSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, operators,
};
use cel::common::types::{CelBool, CelString};
use regex::RegexBuilder;

use crate::cost::{self, Level};
use crate::env::{self, Pattern};
use crate::leaf::{Ask, Leaf};
use crate::place::{Chain, Fault, Place, Root, Step};
use crate::variable::{Variable, VariableSet};

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 64 * 1024;

/// What the walk gathers.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) variables: VariableSet,
    pub(crate) claims: Members,
    pub(crate) arguments: Members,
    /// Names that a macro binds, innermost last.
    scope: Vec<String>,
    pub(crate) evaluations: u64,
    additions: u16,
}

/// The members of an object that are read; `None` once they are read all together or by a computed name.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) Option<BTreeSet<String>>);

impl Default for Members {
    fn default() -> Self {
        Self(Some(BTreeSet::new()))
    }
}

impl Members {
    fn note(&mut self, first: Option<&Step>) {
        match (first, &mut self.0) {
            (Some(Step::Key(name)), Some(names)) => drop(names.insert(name.clone())),
            _ => self.0 = None,
        }
    }
}

const OPERATORS: [&str; 20] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NOT_STRICTLY_FALSE,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::INDEX,
    operators::OPT_INDEX,
    operators::IN,
];

impl Checked {
    /// Checks `expr` and what is below it.
    pub(crate) fn visit(&mut self, expr: IdedExpr, level: Level) -> Result<IdedExpr, Fault> {
        let id = expr.id;
        self.evaluations = self.evaluations.saturating_add(level.rounds);
        if self.evaluations > cost::EVALUATIONS {
            return Err((id, "costs too much: simplify what macros repeat, or shorten the lists".into()));
        }
        if level.depth > cost::DEPTH {
            return Err((id, format!("nested deeper than {}", cost::DEPTH)));
        }
        if let Some(leaf) = self.question(&expr)? {
            return Ok(IdedExpr { id, expr: leaf });
        }
        let below = level.below();
        let expr = match expr.expr {
            Expr::Call(call) => self.call(id, call, below)?,
            Expr::Comprehension(comprehension) => self.comprehension(id, *comprehension, level)?,
            Expr::Select(mut select) => {
                *select.operand = self.visit(*select.operand, below)?;
                if select.test {
                    Expr::Select(select)
                } else {
                    // The same, without the search for a qualified name.
                    let key = Expr::Literal(LiteralValue::String(CelString::from(select.field)));
                    operator(operators::INDEX, vec![*select.operand, IdedExpr { id, expr: key }])
                }
            }
            Expr::List(list) => {
                let elements = self.visit_all(list.elements, below)?;
                Expr::List(ListExpr { elements, optional_indices: list.optional_indices })
            }
            Expr::Map(map) => self.map(id, map, below)?,
            Expr::Struct(_) | Expr::Unspecified => return Err((id, "messages cannot be built here".into())),
            Expr::Ident(_) | Expr::Literal(_) => expr.expr,
        };
        Ok(IdedExpr { id, expr })
    }

    fn visit_all(&mut self, exprs: Vec<IdedExpr>, level: Level) -> Result<Vec<IdedExpr>, Fault> {
        exprs.into_iter().map(|expr| self.visit(expr, level)).collect()
    }

    /// A leaf for what asks about one place, or for the place's value.
    fn question(&mut self, expr: &IdedExpr) -> Result<Option<Expr>, Fault> {
        if let Some(chain) = self.chain(expr) {
            let place = chain.resolve()?;
            return Ok(Some(match (chain.test, &place.root, place.steps.is_empty()) {
                (true, _, true) => {
                    self.note(&place);
                    Expr::Literal(LiteralValue::Boolean(CelBool::from(true)))
                }
                (true, ..) => self.leaf(place, Ask::Has),
                (false, ..) => self.leaf(place, Ask::Value),
            }));
        }
        let Expr::Call(call) = &expr.expr else { return Ok(None) };
        let (asked, ask) = match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (operators::EQUALS | operators::NOT_EQUALS, None, [left, right]) => match (text(left), text(right)) {
                (None, Some(text)) => (left, Ask::Equals { text, default: None }),
                (Some(text), None) => (right, Ask::Equals { text, default: None }),
                _ => return Ok(None),
            },
            (operators::IN, None, [left, right]) => match text(left) {
                Some(text) => (right, Ask::Holds(text)),
                None => return Ok(None),
            },
            (name @ ("startsWith" | "endsWith"), Some(target), [argument]) => match text(argument) {
                Some(text) if name == "startsWith" => (&**target, Ask::StartsWith(text)),
                Some(text) => (&**target, Ask::EndsWith(text)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let Some((place, ask)) = self.asked(asked, ask)? else { return Ok(None) };
        let leaf = self.leaf(place, ask);
        if call.func_name != operators::NOT_EQUALS {
            return Ok(Some(leaf));
        }
        Ok(Some(operator(operators::LOGICAL_NOT, vec![IdedExpr { id: expr.id, expr: leaf }])))
    }

    /// The place that is asked about: it must be there, or have a default that a comparison can use.
    fn asked(&self, asked: &IdedExpr, ask: Ask) -> Result<Option<(Place, Ask)>, Fault> {
        let (asked, ask, has_default) = match (&asked.expr, ask) {
            (Expr::Call(CallExpr { func_name, target: Some(target), args }), Ask::Equals { text: wanted, .. })
                if func_name == "orValue" =>
            {
                let [default] = args.as_slice() else { return Ok(None) };
                let Some(default) = text(default) else { return Ok(None) };
                (&**target, Ask::Equals { text: wanted, default: Some(default) }, true)
            }
            (_, ask) => (asked, ask, false),
        };
        let Some(chain) = self.chain(asked).filter(|chain| !chain.test) else { return Ok(None) };
        let place = chain.resolve()?;
        Ok((place.optional.is_some() == has_default).then_some((place, ask)))
    }

    /// The chain that `expr` spells, unless it begins at a name that a macro binds.
    fn chain<'e>(&self, expr: &'e IdedExpr) -> Option<Chain<'e>> {
        Chain::of(expr).filter(|chain| !self.scope.iter().any(|name| name == chain.root))
    }

    fn leaf(&mut self, place: Place, ask: Ask) -> Expr {
        self.note(&place);
        self.leaves.push(Leaf { place, ask });
        Expr::Ident(format!("#{}", self.leaves.len() - 1))
    }

    fn note(&mut self, place: &Place) {
        let variable = match place.root {
            Root::Variable(variable) => variable,
            Root::Hint(_) => Variable::ToolAnnotations,
        };
        self.variables.insert(variable);
        match variable {
            Variable::IdentityClaims => self.claims.note(place.steps.first()),
            Variable::Arguments => self.arguments.note(place.steps.first()),
            _ => {}
        }
    }

    fn call(&mut self, id: u64, mut call: CallExpr, level: Level) -> Result<Expr, Fault> {
        let name = call.func_name.as_str();
        if let Some(target) = call.target.take() {
            let is_optional = matches!(&target.expr, Expr::Ident(name) if name == "optional");
            if is_optional && env::OPTIONAL.contains(&name) {
                call.target = Some(target);
            } else if name == "matches" {
                return self.matches(id, *target, &call.args, level);
            } else if env::MEMBER.contains(&name) {
                call.target = Some(Box::new(self.visit(*target, level)?));
            } else {
                return Err((id, unknown_function(name)));
            }
        } else if name == operators::ADD {
            let grows_result =
                matches!(call.args.first(), Some(IdedExpr { expr: Expr::Ident(name), .. }) if name.starts_with('@'));
            self.additions += u16::from(!grows_result);
            if self.additions > cost::ADDITIONS {
                return Err((id, format!("more than {} additions", cost::ADDITIONS)));
            }
        } else if name != operators::OPT_SELECT && !OPERATORS.contains(&name) && !env::GLOBAL.contains(&name) {
            return Err((id, unknown_function(name)));
        }
        call.args = self.visit_all(call.args, level)?;
        if matches!(call.func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS | operators::IN)
            && call.args.iter().any(|side| self.is_optional(side))
        {
            // It would always be unequal, so a Deny would never deny.
            return Err((id, "what is selected with `?` equals no value: write .orValue(...) behind it".into()));
        }
        Ok(Expr::Call(call))
    }

    fn is_optional(&self, expr: &IdedExpr) -> bool {
        match &expr.expr {
            Expr::Call(call) => matches!(call.func_name.as_str(), operators::OPT_SELECT | operators::OPT_INDEX),
            Expr::Ident(name) => {
                let leaf = name.strip_prefix('#').and_then(|leaf| self.leaves.get(leaf.parse::<usize>().ok()?));
                leaf.is_some_and(|leaf| matches!(leaf.ask, Ask::Value) && leaf.place.optional.is_some())
            }
            _ => false,
        }
    }

    /// `text.matches("pattern")`: the pattern is compiled now, and never comes from a request.
    fn matches(&mut self, id: u64, target: IdedExpr, args: &[IdedExpr], level: Level) -> Result<Expr, Fault> {
        let [argument] = args else { return Err((id, "matches() takes one pattern".into())) };
        let pattern = text(argument).ok_or_else(|| (id, "the pattern of matches() must be written out".to_owned()))?;
        let compiled = RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
        let compiled =
            compiled.map_err(|error| (argument.id, format!("the pattern does not compile: {}", last_line(&error))))?;
        let target = self.visit(target, level)?;
        self.patterns.push(Pattern(compiled));
        let pattern = Expr::Ident(format!("%{}", self.patterns.len() - 1));
        Ok(operator(env::MATCHES, vec![target, IdedExpr { id: argument.id, expr: pattern }]))
    }

    fn comprehension(&mut self, id: u64, mut macro_: ComprehensionExpr, level: Level) -> Result<Expr, Fault> {
        if level.macros == cost::MACROS {
            return Err((id, format!("more than {} nested macros", cost::MACROS)));
        }
        macro_.iter_range = self.visit(macro_.iter_range, level.below())?;
        if !cost::may_go_over(&macro_.iter_range) {
            let allowed = format!("a variable, a member of one, or a list of at most {}", cost::LITERAL);
            return Err((macro_.iter_range.id, format!("a macro goes over {allowed}")));
        }
        let within = level.within(&macro_.iter_range);
        macro_.accu_init = self.visit(macro_.accu_init, level.below())?;
        let depth = self.scope.len();
        self.scope.extend([macro_.iter_var.clone(), macro_.accu_var.clone()]);
        self.scope.extend(macro_.iter_var2.clone());
        macro_.loop_cond = self.visit(macro_.loop_cond, within)?;
        macro_.loop_step = self.visit(macro_.loop_step, within)?;
        macro_.result = self.visit(macro_.result, level.below())?;
        self.scope.truncate(depth);
        Ok(Expr::Comprehension(Box::new(macro_)))
    }

    fn map(&mut self, id: u64, mut map: MapExpr, level: Level) -> Result<Expr, Fault> {
        for entry in &mut map.entries {
            let EntryExpr::MapEntry(entry) = &mut entry.expr else { return Err((id, "not an entry of a map".into())) };
            entry.key = self.visit(std::mem::take(&mut entry.key), level)?;
            entry.value = self.visit(std::mem::take(&mut entry.value), level)?;
        }
        Ok(Expr::Map(map))
    }
}

fn operator(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args })
}

fn text(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn unknown_function(name: &str) -> String {
    format!(
        "unknown function `{name}`: known are {}, matches, and the macros has, all, exists, exists_one, filter, map",
        env::MEMBER.join(", ")
    )
}

/// The reason of a pattern's error, without the drawing above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
