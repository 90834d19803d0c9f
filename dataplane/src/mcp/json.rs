//! A strict JSON reader over bytes that builds nothing: it walks, checks the grammar and says where things are.
//!
//! It must never accept what another parser would refuse, allocate, or recurse by the input's depth.

mod lex;
mod write;

pub(crate) use write::{string, write_string};

use super::span::{Span, Text};

/// Depth to which requests may nest. Half of what common parsers bear, so an upstream never meets a depth that we did not.
pub(crate) const REQUEST_DEPTH: u32 = 64;
/// Depth to which answers and definitions may nest: the bits of the stack below, and the bound of common parsers.
pub(crate) const ANSWER_DEPTH: u32 = 128;

/// Where the text stops being JSON, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String {
        escaped: bool,
    },
    /// `integer`: neither fraction nor exponent.
    Number {
        integer: bool,
    },
    True,
    False,
    Null,
}

/// A value that was walked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

impl Value {
    pub(crate) fn text(self) -> Option<Text> {
        match self.kind {
            Kind::String { escaped } => Some(Text { span: self.span, escaped }),
            _ => None,
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, SyntaxError>;

/// A position in a body whose UTF-8 was checked.
pub(crate) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    depth: u32,
    max_depth: u32,
    lone_surrogates: bool,
}

impl<'a> Reader<'a> {
    /// For what agents send: depth 64, no lone surrogates.
    pub(crate) fn strict(body: &'a [u8]) -> Result<Self> {
        Self::new(body, REQUEST_DEPTH, false)
    }

    /// For what servers send. JavaScript writes a string cut in the middle of a pair as a lone surrogate, and its grammar allows that.
    pub(crate) fn tolerant(body: &'a [u8]) -> Result<Self> {
        Self::new(body, ANSWER_DEPTH, true)
    }

    fn new(body: &'a [u8], max_depth: u32, lone_surrogates: bool) -> Result<Self> {
        if u32::try_from(body.len()).is_err() {
            return Err(SyntaxError { at: 0, what: "longer than 4 GiB" });
        }
        if let Err(error) = std::str::from_utf8(body) {
            return Err(SyntaxError { at: error.valid_up_to(), what: "not UTF-8" });
        }
        Ok(Self { body, at: 0, depth: 0, max_depth, lone_surrogates })
    }

    /// The first byte of the next value.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.space();
        self.body.get(self.at).copied()
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { self.fail("data after the end of the message") }
    }

    /// Walks over the next value, whatever it is.
    pub(crate) fn value(&mut self) -> Result<Value> {
        let kind = match self.peek() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            _ => return self.scalar(),
        };
        let start = self.at;
        self.container()?;
        Ok(Value { kind, span: Span::new(start, self.at) })
    }

    /// Reads the next value, an object, member by member: `member` is given each key and must walk over its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, Text) -> Result<()>) -> Result<Span> {
        if self.peek() != Some(b'{') {
            return self.fail("an object was expected");
        }
        let start = self.at;
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(Span::new(start, self.at));
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.fail("a comma or the end of the object was expected"),
            }
        }
        self.leave();
        Ok(Span::new(start, self.at))
    }

    /// Reads the next value, an array, element by element; `element` must walk over each.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<Span> {
        if self.peek() != Some(b'[') {
            return self.fail("an array was expected");
        }
        let start = self.at;
        self.enter()?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(Span::new(start, self.at));
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.fail("a comma or the end of the array was expected"),
            }
        }
        self.leave();
        Ok(Span::new(start, self.at))
    }

    /// Walks over a container without recursion: one bit a level says whether that level is an object.
    fn container(&mut self) -> Result<()> {
        let outer = self.depth;
        let mut objects: u128 = 0;
        loop {
            let open = self.peek();
            if let Some(b'{' | b'[') = open {
                let object = open == Some(b'{');
                self.enter()?;
                objects = (objects << 1) | u128::from(object);
                if self.peek() != Some(if object { b'}' } else { b']' }) {
                    if object {
                        self.key()?;
                    }
                    continue;
                }
                self.leave();
                objects >>= 1;
            } else {
                self.scalar()?;
            }
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => return self.fail("a comma or a closing bracket was expected"),
                }
                self.leave();
                objects >>= 1;
            }
        }
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth == self.max_depth {
            return self.fail("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn key(&mut self) -> Result<Text> {
        if self.peek() != Some(b'"') {
            return self.fail("a key was expected");
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return self.fail("a colon was expected");
        }
        self.at += 1;
        Ok(key)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(SyntaxError { at: self.at, what })
    }
}

#[cfg(test)]
mod tests;
