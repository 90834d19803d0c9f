//! One answer from its first byte to its last: interim heads, its head, its body. Pure: what has arrived goes in, parts of the answer come out, and
//! however the bytes were cut, the parts are the same. It never takes a byte beyond the answer's end.

use bytes::BytesMut;

use super::body::Decoder;
use super::head::{Head, Heads};
use super::piece::Progress;
use crate::upstream::UpstreamError;

/// An answer that is being read.
#[derive(Debug)]
pub struct Reading {
    heads: Heads,
    body: Decoder,
    /// Nothing was said after which no other answer may follow.
    goes_on: bool,
}

impl Reading {
    /// The answer to a request. `bodiless`: HEAD was asked, and no body follows whatever the head says.
    #[must_use]
    pub fn new(bodiless: bool) -> Self {
        Self { heads: Heads::new(bodiless), body: Decoder::Length(0), goes_on: false }
    }

    /// The answer's head, once; `None` until all of it has arrived.
    ///
    /// # Errors
    /// `Protocol`, of what is not HTTP, or could be read in two ways, or has no end.
    pub fn head(&mut self, input: &mut BytesMut) -> Result<Option<Head>, UpstreamError> {
        let Some(answer) = self.heads.read(input)? else { return Ok(None) };
        (self.body, self.goes_on) = (answer.body, answer.goes_on);
        Ok(Some(answer.head))
    }

    /// The next piece of the body that follows the head.
    ///
    /// # Errors
    /// `Protocol`, as above.
    pub fn chunk(&mut self, input: &mut BytesMut) -> Result<Progress, UpstreamError> {
        self.body.next(input)
    }

    /// The server has closed: the end of a body that ends so, and the loss of any other.
    ///
    /// # Errors
    /// `Closed`, where more should have come.
    pub fn close(&mut self) -> Result<(), UpstreamError> {
        self.body.close()
    }

    /// Whether the body was taken to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.body.is_done()
    }

    /// How many bytes of the body are still to come, where that is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.body.left()
    }

    /// Whether another answer may follow on the same connection: this one was framed, is whole, and said nothing of closing.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.goes_on && self.is_complete()
    }
}
