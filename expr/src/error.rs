//! Why an expression is refused, and why one has no answer. Never holds a value of a request.

/// Why an expression was refused, and where; lines and columns count from one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// What is wrong, and what is known instead.
    pub message: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Why an expression has no answer. Whoever asks must fail closed. It never holds values of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    /// Something that it needs is not there, or of another type.
    #[error("the expression could not be evaluated")]
    Failed,
    /// It is neither true nor false.
    #[error("the expression is not a condition")]
    NotACondition,
    /// It looked at more than one evaluation may.
    #[error("the expression looked at too much")]
    TooCostly,
}

impl ParseError {
    pub(crate) fn at_start(message: String) -> Self {
        Self { message, line: 1, column: 1 }
    }
}
