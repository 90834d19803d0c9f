//! What a server sent: answers, and the requests and notifications that come on its streams.
//!
//! Strict about the grammar and about the members that the gateway reads, tolerant of everything else. It must never build the result.

use std::borrow::Cow;

use super::envelope::{Shape, is_id, key};
use super::json::{Kind, Reader, SyntaxError, Value};
use super::span::{Member, Span, Text};

/// An answer that cannot be passed on. The text is for logs: it says what is wrong, not what was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid answer: {0}")]
pub struct InvalidAnswer(pub Cow<'static, str>);

impl From<SyntaxError> for InvalidAnswer {
    fn from(error: SyntaxError) -> Self {
        Self(format!("{} at byte {}", error.what, error.at).into())
    }
}

/// A message of a server, as places in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseEnvelope {
    /// What it is; never a batch.
    pub shape: Shape,
    /// The whole message.
    pub object: Option<Span>,
    /// The id; null counts as absent (errors about messages that the server could not read).
    pub id: Option<Span>,
    /// The method of a request or notification.
    pub method: Option<Text>,
    /// The parameters of a request or notification, an object.
    pub params: Option<Span>,
    /// `params.progressToken`, a string or an integer.
    pub progress_token: Option<Span>,
    /// `params.requestId`, a string or an integer.
    pub request_id: Option<Span>,
    /// The result of a response.
    pub result: Option<ResultParts>,
    /// The error of a response.
    pub error: Option<ErrorParts>,
}

/// A result, an object, and the members of it that the gateway reads or owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResultParts {
    /// The object.
    pub object: Span,
    /// `resultType`, a string.
    pub result_type: Option<(Member, Text)>,
    /// `ttlMs`.
    pub ttl_ms: Option<Member>,
    /// `cacheScope`.
    pub cache_scope: Option<Member>,
    /// `isError`: what it says, where it is a boolean.
    pub is_error: Option<bool>,
    /// `structuredContent`, and whether it is an object.
    pub structured_content: Option<(Member, bool)>,
    /// `_meta`, where it is an object.
    pub meta: Option<Member>,
    /// `_meta["io.modelcontextprotocol/serverInfo"]`.
    pub server_info: Option<Member>,
}

impl ResultParts {
    /// Whether the call is done: `resultType` is absent or `complete`.
    #[must_use]
    pub fn is_complete(&self, body: &[u8]) -> bool {
        self.result_type.is_none_or(|(_, text)| text.is(body, "complete"))
    }

    /// Whether the server asks for input (2026-07-28, multi round-trip requests).
    #[must_use]
    pub fn is_input_required(&self, body: &[u8]) -> bool {
        self.result_type.is_some_and(|(_, text)| text.is(body, "input_required"))
    }
}

/// An error, an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorParts {
    /// The object.
    pub object: Span,
    /// `code`, where it is an integer of 64 bits.
    pub code: Option<i64>,
    /// `message`.
    pub message: Option<Text>,
    /// `data`.
    pub data: Option<Span>,
}

/// Scans a message of a server in one pass.
///
/// # Errors
/// [`InvalidAnswer`] when it is not JSON or not a message, and when a member that we read appears twice.
pub fn scan_response(body: &[u8]) -> Result<ResponseEnvelope, InvalidAnswer> {
    let mut reader = Reader::tolerant(body)?;
    let mut draft = Draft { body, ..Draft::default() };
    let object = reader.object(|reader, key| draft.member(reader, key))?;
    reader.end()?;
    draft.envelope.object = Some(object);
    draft.finish()
}

/// An envelope in the making. `fault` outlives the pass so that bytes that are not JSON are always called that.
#[derive(Default)]
struct Draft<'a> {
    body: &'a [u8],
    envelope: ResponseEnvelope,
    fault: Option<&'static str>,
    version: bool,
    void_id: bool,
    seen: u32,
}

impl Draft<'_> {
    fn refuse(&mut self, what: &'static str) {
        self.fault.get_or_insert(what);
    }

    /// Which of `names` the key is. `first` is the bit of the first of them; bits are unique over all levels.
    fn known<const N: usize>(&mut self, key: Text, first: u32, names: [&'static str; N]) -> Option<&'static str> {
        let is = key.matcher(self.body);
        let index = names.iter().position(|name| is(name))?;
        let bit = 1 << (first + u32::try_from(index).unwrap_or(0));
        if self.seen & bit != 0 {
            self.refuse("a member appears twice");
        }
        self.seen |= bit;
        names.get(index).copied()
    }

    fn member(&mut self, reader: &mut Reader<'_>, key: Text) -> Result<(), SyntaxError> {
        let known = self.known(key, 0, ["jsonrpc", "id", "method", "params", "result", "error"]);
        let object = reader.peek() == Some(b'{');
        match known {
            Some("params") if object => {
                self.envelope.params = Some(reader.object(|reader, key| self.param(reader, key))?);
            }
            Some("result") if object => {
                let mut parts = ResultParts::default();
                parts.object = reader.object(|reader, key| self.result(reader, key, &mut parts))?;
                self.envelope.result = Some(parts);
            }
            Some("error") if object => {
                let mut parts = ErrorParts::default();
                parts.object = reader.object(|reader, key| self.error(reader, key, &mut parts))?;
                self.envelope.error = Some(parts);
            }
            _ => {
                let value = reader.value()?;
                self.scalar(known, value);
            }
        }
        Ok(())
    }

    fn scalar(&mut self, known: Option<&'static str>, value: Value) {
        match known {
            Some("jsonrpc") => self.version = value.text().is_some_and(|text| text.is(self.body, "2.0")),
            Some("id") if is_id(self.body, value) => self.envelope.id = Some(value.span),
            Some("id") => self.void_id = value.kind != Kind::Null,
            Some("method") => match value.text() {
                Some(method) => self.envelope.method = Some(method),
                None => self.refuse("the method is not a string"),
            },
            Some(_) => self.refuse("params, result or error is not an object"),
            None => {}
        }
    }

    fn param(&mut self, reader: &mut Reader<'_>, key: Text) -> Result<(), SyntaxError> {
        let known = self.known(key, 8, ["progressToken", "requestId"]);
        let value = reader.value()?;
        let id = is_id(self.body, value).then_some(value.span);
        match known {
            Some("progressToken") => self.envelope.progress_token = id,
            Some(_) => self.envelope.request_id = id,
            None => {}
        }
        Ok(())
    }

    fn result(&mut self, reader: &mut Reader<'_>, key: Text, parts: &mut ResultParts) -> Result<(), SyntaxError> {
        let names = ["resultType", "ttlMs", "cacheScope", "isError", "structuredContent", "_meta"];
        let known = self.known(key, 12, names);
        if known == Some("_meta") && reader.peek() == Some(b'{') {
            let meta = reader.object(|reader, key| {
                let known = self.known(key, 20, [key::SERVER_INFO]);
                let value = reader.value()?;
                if known.is_some() {
                    parts.server_info = Some(Member::new(key, value.span));
                }
                Ok(())
            })?;
            parts.meta = Some(Member::new(key, meta));
            return Ok(());
        }
        let value = reader.value()?;
        let member = Member::new(key, value.span);
        match known {
            Some("resultType") => match value.text() {
                Some(text) => parts.result_type = Some((member, text)),
                None => self.refuse("resultType is not a string"),
            },
            Some("ttlMs") => parts.ttl_ms = Some(member),
            Some("cacheScope") => parts.cache_scope = Some(member),
            Some("isError") => {
                parts.is_error = match value.kind {
                    Kind::True => Some(true),
                    Kind::False => Some(false),
                    _ => None,
                };
            }
            Some("structuredContent") => parts.structured_content = Some((member, value.kind == Kind::Object)),
            Some(_) => self.refuse("_meta is not an object"),
            None => {}
        }
        Ok(())
    }

    fn error(&mut self, reader: &mut Reader<'_>, key: Text, parts: &mut ErrorParts) -> Result<(), SyntaxError> {
        let known = self.known(key, 24, ["code", "message", "data"]);
        let value = reader.value()?;
        match known {
            Some("code") => {
                let digits = std::str::from_utf8(value.span.of(self.body)).unwrap_or_default();
                parts.code = digits.parse().ok();
            }
            Some("message") => parts.message = value.text(),
            Some(_) => parts.data = Some(value.span),
            None => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ResponseEnvelope, InvalidAnswer> {
        let envelope = &mut self.envelope;
        let id = envelope.id.is_some();
        envelope.shape = match (envelope.method.is_some(), envelope.result.is_some(), envelope.error.is_some()) {
            (true, false, false) if id => Shape::Request,
            (true, false, false) => Shape::Notification,
            (false, true, false) if id => Shape::Response,
            (false, false, true) => Shape::Response,
            _ => {
                return Err(InvalidAnswer(self.fault.unwrap_or("neither a response nor a message of a server").into()));
            }
        };
        if !self.version {
            self.refuse("jsonrpc is not \"2.0\"");
        }
        if self.void_id {
            self.refuse("the id is neither a string nor an integer of 64 bits");
        }
        match self.fault {
            None => Ok(self.envelope),
            Some(what) => Err(InvalidAnswer(what.into())),
        }
    }
}

#[cfg(test)]
mod tests;
