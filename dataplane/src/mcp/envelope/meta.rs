//! The request metadata that we read: `params._meta`.

use super::keys::Table;
use super::{Draft, INVALID_PARAMS, is_id};
use crate::mcp::json::{Reader, SyntaxError};
use crate::mcp::span::{Member, Span, Text};

/// Keys of `_meta` that the specification of 2026-07-28 gives a meaning.
pub(crate) mod key {
    pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
    pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
    pub(crate) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    pub(crate) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
    pub(crate) const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
}

/// `params._meta` and the members of it that the gateway reads or owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meta {
    /// The object.
    pub object: Span,
    /// The value of `io.modelcontextprotocol/protocolVersion`: its presence is what makes a request modern.
    pub protocol_version: Option<Text>,
    /// The member that holds it.
    pub protocol_version_member: Option<Member>,
    /// `io.modelcontextprotocol/clientCapabilities`, an object.
    pub client_capabilities: Option<Member>,
    /// `io.modelcontextprotocol/clientInfo`.
    pub client_info: Option<Member>,
    /// `io.modelcontextprotocol/logLevel`.
    pub log_level: Option<Member>,
    /// `progressToken`: a string or an integer.
    pub progress_token: Option<Member>,
    /// `traceparent` (W3C Trace Context).
    pub traceparent: Option<Member>,
    /// `tracestate`.
    pub tracestate: Option<Member>,
}

#[derive(Clone, Copy)]
enum Field {
    ProtocolVersion,
    ClientCapabilities,
    ClientInfo,
    LogLevel,
    ProgressToken,
    Traceparent,
    Tracestate,
    Unread,
}

const META: Table<Field> = &[
    ("progressToken", Field::ProgressToken),
    (key::PROTOCOL_VERSION, Field::ProtocolVersion),
    (key::CLIENT_CAPABILITIES, Field::ClientCapabilities),
    (key::CLIENT_INFO, Field::ClientInfo),
    (key::LOG_LEVEL, Field::LogLevel),
    ("traceparent", Field::Traceparent),
    ("tracestate", Field::Tracestate),
    ("baggage", Field::Unread),
    (key::SERVER_INFO, Field::Unread),
    (key::SUBSCRIPTION_ID, Field::Unread),
    (key::RELATED_TASK, Field::Unread),
];

impl Draft<'_> {
    /// Reads `_meta`, whose value is an object.
    pub(super) fn meta(&mut self, reader: &mut Reader<'_>) -> Result<(), SyntaxError> {
        let mut meta = Meta::default();
        meta.object = reader.object(|reader, key| self.meta_member(reader, key, &mut meta))?;
        self.envelope.meta = Some(meta);
        Ok(())
    }

    fn meta_member(&mut self, reader: &mut Reader<'_>, key: Text, meta: &mut Meta) -> Result<(), SyntaxError> {
        let known = self.known(META, key, |draft| &mut draft.seen_meta);
        let object = reader.peek() == Some(b'{');
        let value = reader.value()?;
        let member = Some(Member::new(key, value.span));
        match known {
            None | Some(Field::Unread) => {}
            Some(Field::ProtocolVersion) => {
                meta.protocol_version = self.text(key::PROTOCOL_VERSION, value);
                meta.protocol_version_member = member;
            }
            Some(Field::ClientCapabilities) if object => meta.client_capabilities = member,
            Some(Field::ClientCapabilities) => {
                self.refuse(INVALID_PARAMS, format!("`{}` is not an object", key::CLIENT_CAPABILITIES));
            }
            Some(Field::ClientInfo) => meta.client_info = member,
            Some(Field::LogLevel) => meta.log_level = member,
            Some(Field::ProgressToken) if is_id(self.body, value) => meta.progress_token = member,
            Some(Field::ProgressToken) => {
                self.refuse(INVALID_PARAMS, "`progressToken` is neither a string nor an integer of 64 bits");
            }
            Some(Field::Traceparent) => meta.traceparent = member,
            Some(Field::Tracestate) => meta.tracestate = member,
        }
        Ok(())
    }
}
