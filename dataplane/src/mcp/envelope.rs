//! What an agent sent: one strict pass over the body that finds what the gateway decides by, and where.
//!
//! It must never build the message, nor accept a body that two parsers could read differently at the levels that we read: duplicates of our keys
//! (however they are spelled) and keys that only resemble them are refused. Below `arguments` only grammar and depth are checked.

mod keys;
mod meta;

use std::borrow::Cow;

use keys::{Key, Table, lookup};
pub use meta::Meta;
pub(crate) use meta::key;

use super::error::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR};
use super::json::{Kind, Reader, SyntaxError, Value};
use super::span::{Span, Text};

/// What kind of message a body is (JSON-RPC 2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// `method` and `id`.
    #[default]
    Request,
    /// `method` without `id`.
    Notification,
    /// `result` or `error`.
    Response,
    /// An array. Its elements were not looked at.
    Batch,
}

/// The parts of a message that decisions read, as places in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Envelope {
    /// What the message is.
    pub shape: Shape,
    /// The whole message, white space around it cut; absent for a batch.
    pub object: Option<Span>,
    /// The id as sent: a string, or an integer in the range of an i64. Null counts as absent.
    pub id: Option<Span>,
    /// The method.
    pub method: Option<Text>,
    /// The parameters, an object.
    pub params: Option<Span>,
    /// `params.name`.
    pub name: Option<Text>,
    /// `params.uri`.
    pub uri: Option<Text>,
    /// `params.cursor`.
    pub cursor: Option<Text>,
    /// `params.protocolVersion` (of `initialize`).
    pub protocol_version: Option<Text>,
    /// `params.arguments`, whatever it is.
    pub arguments: Option<Span>,
    /// `params.requestId` (of `notifications/cancelled`): a string or an integer.
    pub request_id: Option<Span>,
    /// `params.clientInfo` (of `initialize`), an object.
    pub client_info: Option<Span>,
    /// `params._meta`.
    pub meta: Option<Meta>,
    /// `result`.
    pub result: Option<Span>,
    /// `error`.
    pub error: Option<Span>,
}

/// A body that is refused, and what to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// -32700 not JSON; -32600 not a message that is allowed; -32602 a parameter of the wrong type.
    pub code: i64,
    /// What is wrong, for the sender. Holds none of the body's values.
    pub message: Cow<'static, str>,
    /// The message's id, where there is exactly one and it is valid.
    pub id: Option<Span>,
}

impl Malformed {
    fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), id: None }
    }
}

impl From<SyntaxError> for Malformed {
    fn from(error: SyntaxError) -> Self {
        Self::new(PARSE_ERROR, format!("not valid JSON: {} at byte {}", error.what, error.at))
    }
}

/// Scans a message of an agent, strictly, in one pass and without allocating.
///
/// # Errors
/// [`Malformed`] when it is not JSON (which outweighs every other fault), or not a message that may be judged.
pub fn scan(body: &[u8]) -> Result<Envelope, Malformed> {
    let mut reader = Reader::strict(body)?;
    match reader.peek() {
        Some(b'{') => {}
        Some(b'[') => return Ok(Envelope { shape: Shape::Batch, ..Envelope::default() }),
        _ => {
            reader.value()?;
            reader.end()?;
            return Err(Malformed::new(INVALID_REQUEST, "a message is an object"));
        }
    }
    let mut draft = Draft { body, ..Draft::default() };
    let object = reader.object(|reader, key| draft.member(reader, key))?;
    reader.end()?;
    draft.envelope.object = Some(object);
    draft.finish()
}

#[derive(Clone, Copy)]
enum Top {
    Version,
    Id,
    Method,
    Params,
    Result,
    Error,
}

const TOP: Table<Top> = &[
    ("jsonrpc", Top::Version),
    ("id", Top::Id),
    ("method", Top::Method),
    ("params", Top::Params),
    ("result", Top::Result),
    ("error", Top::Error),
];

#[derive(Clone, Copy)]
enum Param {
    Name,
    Uri,
    Cursor,
    ProtocolVersion,
    Arguments,
    Meta,
    RequestId,
    ClientInfo,
    /// Read by nobody yet, but by any server: nobody may smuggle a second one past us.
    Unread,
}

const PARAMS: Table<Param> = &[
    ("name", Param::Name),
    ("arguments", Param::Arguments),
    ("_meta", Param::Meta),
    ("uri", Param::Uri),
    ("cursor", Param::Cursor),
    ("protocolVersion", Param::ProtocolVersion),
    ("requestId", Param::RequestId),
    ("clientInfo", Param::ClientInfo),
    ("capabilities", Param::Unread),
    ("requestState", Param::Unread),
    ("inputResponses", Param::Unread),
    ("task", Param::Unread),
    ("progressToken", Param::Unread),
    ("level", Param::Unread),
    ("ref", Param::Unread),
];

/// An envelope in the making, and the first fault that is not one of grammar: scanning goes on to learn the id, and whether this is JSON at all.
#[derive(Default)]
struct Draft<'a> {
    body: &'a [u8],
    envelope: Envelope,
    fault: Option<Malformed>,
    version: bool,
    id_is_void: bool,
    seen_top: u32,
    seen_params: u32,
    seen_meta: u32,
}

impl Draft<'_> {
    fn refuse(&mut self, code: i64, message: impl Into<Cow<'static, str>>) {
        if self.fault.is_none() {
            self.fault = Some(Malformed::new(code, message));
        }
    }

    /// What the key means at its level; a second one or one that resembles it is noted as a fault.
    fn known<F: Copy>(&mut self, table: Table<F>, key: Text, seen: impl Fn(&mut Self) -> &mut u32) -> Option<F> {
        match lookup(table, self.body, key) {
            Key::Other => None,
            Key::Lookalike(name) => {
                self.refuse(INVALID_REQUEST, format!("a key resembles `{name}` but is not it"));
                None
            }
            Key::Reserved { index, name, field } => {
                let bit = 1 << index;
                let seen = seen(self);
                let second = *seen & bit != 0;
                *seen |= bit;
                if second {
                    self.id_is_void |= name == "id";
                    self.refuse(INVALID_REQUEST, format!("the key `{name}` appears twice"));
                }
                Some(field)
            }
        }
    }

    fn member(&mut self, reader: &mut Reader<'_>, key: Text) -> Result<(), SyntaxError> {
        let known = self.known(TOP, key, |draft| &mut draft.seen_top);
        if let Some(Top::Params) = known
            && reader.peek() == Some(b'{')
        {
            self.envelope.params = Some(reader.object(|reader, key| self.param(reader, key))?);
            return Ok(());
        }
        let value = reader.value()?;
        match known {
            None => {}
            Some(Top::Version) => match value.text() {
                Some(text) if text.is(self.body, "2.0") => self.version = true,
                _ => self.refuse(INVALID_REQUEST, "`jsonrpc` is not \"2.0\""),
            },
            Some(Top::Id) => self.id(value),
            Some(Top::Method) => match value.text() {
                Some(method) => self.envelope.method = Some(method),
                None => self.refuse(INVALID_REQUEST, "`method` is not a string"),
            },
            Some(Top::Params) => self.refuse(INVALID_REQUEST, "`params` is not an object"),
            Some(Top::Result) => self.envelope.result = Some(value.span),
            Some(Top::Error) => self.envelope.error = Some(value.span),
        }
        Ok(())
    }

    fn id(&mut self, value: Value) {
        if value.kind == Kind::Null {
            return;
        }
        if is_id(self.body, value) {
            self.envelope.id = Some(value.span);
        } else {
            self.id_is_void = true;
            self.refuse(INVALID_REQUEST, "`id` is neither a string nor an integer of 64 bits");
        }
    }

    fn param(&mut self, reader: &mut Reader<'_>, key: Text) -> Result<(), SyntaxError> {
        let known = self.known(PARAMS, key, |draft| &mut draft.seen_params);
        if let Some(Param::Meta) = known
            && reader.peek() == Some(b'{')
        {
            return self.meta(reader);
        }
        let value = reader.value()?;
        match known {
            None | Some(Param::Unread) => {}
            Some(Param::Name) => self.envelope.name = self.text("name", value),
            Some(Param::Uri) => self.envelope.uri = self.text("uri", value),
            Some(Param::Cursor) => self.envelope.cursor = self.text("cursor", value),
            Some(Param::ProtocolVersion) => self.envelope.protocol_version = self.text("protocolVersion", value),
            Some(Param::Arguments) => self.envelope.arguments = Some(value.span),
            Some(Param::Meta) => self.refuse(INVALID_PARAMS, "`_meta` is not an object"),
            Some(Param::RequestId) if is_id(self.body, value) => self.envelope.request_id = Some(value.span),
            Some(Param::RequestId) => self.refuse(INVALID_PARAMS, "`requestId` is not an id"),
            Some(Param::ClientInfo) if value.kind == Kind::Object => self.envelope.client_info = Some(value.span),
            Some(Param::ClientInfo) => self.refuse(INVALID_PARAMS, "`clientInfo` is not an object"),
        }
        Ok(())
    }

    fn text(&mut self, name: &'static str, value: Value) -> Option<Text> {
        let text = value.text();
        if text.is_none() {
            self.refuse(INVALID_PARAMS, format!("`{name}` is not a string"));
        }
        text
    }

    fn finish(mut self) -> Result<Envelope, Malformed> {
        if !self.version {
            self.refuse(INVALID_REQUEST, "`jsonrpc` is missing");
        }
        let envelope = &mut self.envelope;
        let outcome = u8::from(envelope.result.is_some()) + u8::from(envelope.error.is_some());
        let named_id = self.seen_top & (1 << 1) != 0;
        match (envelope.method, outcome) {
            (Some(_), 0) if envelope.id.is_some() => envelope.shape = Shape::Request,
            (Some(_), 0) if !named_id => envelope.shape = Shape::Notification,
            (Some(_), 0) => self.refuse(INVALID_REQUEST, "the `id` of a request is null"),
            (None, 1) if envelope.params.is_none() => envelope.shape = Shape::Response,
            _ => self.refuse(INVALID_REQUEST, "neither a request nor a notification nor a response"),
        }
        match self.fault {
            None => Ok(self.envelope),
            Some(fault) => Err(Malformed { id: self.envelope.id.filter(|_| !self.id_is_void), ..fault }),
        }
    }
}

/// A string, or an integer in the range of an i64. `-0` is refused: some parsers make it a float.
pub(crate) fn is_id(body: &[u8], value: Value) -> bool {
    match value.kind {
        Kind::String { .. } => true,
        Kind::Number { integer: true } => {
            let digits = value.span.of(body);
            // Eighteen digits always fit; only more of them need a closer look.
            let fits = |digits: &[u8]| std::str::from_utf8(digits).is_ok_and(|digits| digits.parse::<i64>().is_ok());
            digits != b"-0" && (digits.len() <= 18 || fits(digits))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
