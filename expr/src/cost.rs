//! What an expression can cost at most, told from its tree.
//!
//! A macro over a value goes round as often as the fuel allows; over a literal list, once for each element. Fuel is shared by the whole
//! evaluation, so a macro over a value within another one adds nothing to the number of rounds.

use cel::common::ast::{Expr, IdedExpr};

use crate::convert::Fuel;

/// Bytes of source.
pub(crate) const SOURCE: usize = 4096;
/// Macros on any path from the root down.
pub(crate) const MACROS: u8 = 2;
/// Nodes on any path from the root down: evaluation is recursive.
pub(crate) const DEPTH: u16 = 96;
/// Parentheses, calls and lists within each other.
pub(crate) const NESTING: u16 = 24;
/// Additions: each may copy all the text that it is given.
pub(crate) const ADDITIONS: u16 = 16;
/// Elements of a literal list that a macro goes over.
pub(crate) const LITERAL: usize = 64;
/// Node evaluations: a millisecond at most, a few microseconds for what people write.
pub(crate) const EVALUATIONS: u64 = 24_000;

/// Where in the tree the walk is.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    pub(crate) depth: u16,
    pub(crate) macros: u8,
    /// How often this part is evaluated.
    pub(crate) rounds: u64,
}

impl Level {
    pub(crate) const TOP: Self = Self { depth: 0, macros: 0, rounds: 1 };

    pub(crate) fn below(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    /// Within a macro that goes over `range`.
    pub(crate) fn within(self, range: &IdedExpr) -> Self {
        let rounds = match &range.expr {
            Expr::List(list) => self.rounds.saturating_mul(list.elements.len() as u64),
            _ => self.rounds.max(u64::from(Fuel::VALUES)),
        };
        Self { depth: self.depth + 1, macros: self.macros + 1, rounds }
    }
}

/// Whether a macro may go over `range`: values that were paid for, or a short literal list.
pub(crate) fn may_go_over(range: &IdedExpr) -> bool {
    match &range.expr {
        Expr::Ident(_) | Expr::Select(_) => true,
        Expr::List(list) => list.elements.len() <= LITERAL,
        Expr::Call(call) => match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (cel::common::ast::operators::INDEX, None, [holder, _]) => may_go_over(holder),
            ("orValue", Some(target), [default]) => may_go_over(target) && may_go_over(default),
            _ => false,
        },
        _ => false,
    }
}
