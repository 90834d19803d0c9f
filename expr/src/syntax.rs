//! From source to syntax tree, on a stack that is large enough.
//!
//! The library's parser recurses through every level of precedence for each bracket: more than 100 KiB of stack in a debug build. A thread of
//! its own also keeps a fault of the parser away from the caller.

use std::thread;

use cel::common::ast::{IdedExpr, SourceInfo};

use crate::cost;
use crate::env::ENV;
use crate::error::ParseError;

/// Room for [`cost::NESTING`] levels; only what is used becomes memory.
const STACK: usize = 16 * 1024 * 1024;

/// Parses `source`. A millisecond, mostly the parser's.
pub(crate) fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), ParseError> {
    if source.len() > cost::SOURCE {
        return Err(ParseError::at_start(format!("longer than {} bytes", cost::SOURCE)));
    }
    let parser = || ENV.parser().max_recursion_depth(cost::NESTING).parse_with_source_info(source);
    let parsed = thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parser).ok()?;
        thread.join().ok()
    });
    match parsed {
        Some(Ok(parsed)) => Ok(parsed),
        Some(Err(errors)) => Err(first(&errors)),
        None => Err(ParseError::at_start("cannot be parsed".into())),
    }
}

fn first(errors: &cel::ParseErrors) -> ParseError {
    let first = errors.errors.first();
    let place = |number: Option<isize>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1).max(1);
    ParseError {
        message: first.map_or_else(|| "not an expression".into(), |error| in_words(&error.msg)),
        line: place(first.map(|error| error.pos.0)),
        column: place(first.map(|error| error.pos.1)),
    }
}

/// The parser tells its own bounds in the words of its generator.
fn in_words(message: &str) -> String {
    if message.contains("Recursion limit") {
        format!("nested deeper than {} brackets", cost::NESTING)
    } else {
        message.to_owned()
    }
}
