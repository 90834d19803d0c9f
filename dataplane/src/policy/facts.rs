//! What is known of a call or of an item, borrowed from where it lies and looked at only if a rule names it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use http::HeaderMap;
use portolan_expr::{Facts, Hint, Variable};
use serde_json::{Map, Value};

use super::identity::Identity;
use super::strict;
use crate::mcp::definition::Hints;

/// A tool in a list, and who looks.
#[derive(Clone, Copy)]
pub struct ItemFacts<'a> {
    /// Who looks.
    pub identity: &'a Identity,
    /// In a route's policy the name that the agent sees, in a server's the server's own.
    pub tool_name: &'a str,
    /// The server, "namespace/name".
    pub tool_server: &'a str,
    /// Trusted hints only.
    pub annotations: &'a Hints,
}

/// A call.
#[derive(Clone, Copy)]
pub struct CallFacts<'a> {
    /// Who calls.
    pub identity: &'a Identity,
    /// In a route's policy the name that the agent sees, in a server's the server's own.
    pub tool_name: &'a str,
    /// The server, "namespace/name".
    pub tool_server: &'a str,
    /// Trusted hints only.
    pub annotations: &'a Hints,
    /// The call's arguments as they were sent; `None`: there are none.
    pub arguments: Option<&'a [u8]>,
    /// The protocol's method.
    pub method: &'a str,
    /// The authority that the agent asked for.
    pub host: &'a str,
    /// The endpoint's path.
    pub path: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The protocol revision.
    pub revision: &'a str,
}

impl<'a> CallFacts<'a> {
    /// What is known of the tool alone.
    pub fn item(&self) -> ItemFacts<'a> {
        ItemFacts {
            identity: self.identity,
            tool_name: self.tool_name,
            tool_server: self.tool_server,
            annotations: self.annotations,
        }
    }
}

/// The arguments that rules read; `None`: any of them.
pub(super) type Wanted = Option<BTreeSet<String>>;

/// What one judgement knows. What it does not know fails to evaluate.
pub(super) struct Known<'a> {
    identity: &'a Identity,
    item: Option<ItemFacts<'a>>,
    call: Option<(CallFacts<'a>, &'a Wanted)>,
    arguments: OnceLock<Option<Value>>,
}

impl<'a> Known<'a> {
    /// Of a principal alone.
    pub(super) fn identity(identity: &'a Identity) -> Self {
        Self { identity, item: None, call: None, arguments: OnceLock::new() }
    }

    /// Of a principal and a tool.
    pub(super) fn item(item: &ItemFacts<'a>) -> Self {
        Self { identity: item.identity, item: Some(*item), call: None, arguments: OnceLock::new() }
    }

    /// Of a call whose `wanted` arguments may be read.
    pub(super) fn call(call: &CallFacts<'a>, wanted: &'a Wanted) -> Self {
        Self { call: Some((*call, wanted)), ..Self::item(&call.item()) }
    }

    /// Parsed once, and strictly: a server may read the other one of two equal keys.
    fn arguments(&self) -> Option<&Value> {
        let (call, wanted) = self.call.as_ref()?;
        let parse = || match (call.arguments, wanted) {
            (None, _) => Some(Value::Object(Map::new())),
            (Some(bytes), Some(wanted)) => strict::parse_members(bytes, wanted).filter(Value::is_object),
            (Some(bytes), None) => strict::parse(bytes).filter(Value::is_object),
        };
        self.arguments.get_or_init(parse).as_ref()
    }
}

impl Facts for Known<'_> {
    fn string(&self, variable: Variable) -> Option<&str> {
        match variable {
            Variable::IdentityIssuer => Some(&self.identity.issuer),
            Variable::IdentitySubject => Some(&self.identity.subject),
            Variable::ToolName => self.item.map(|item| item.tool_name),
            Variable::ToolServer => self.item.map(|item| item.tool_server),
            Variable::RequestMethod => self.call.map(|(call, _)| call.method),
            Variable::RequestHost => self.call.map(|(call, _)| call.host),
            Variable::RequestPath => self.call.map(|(call, _)| call.path),
            Variable::RequestRevision => self.call.map(|(call, _)| call.revision),
            Variable::IdentityClaims | Variable::ToolAnnotations | Variable::Arguments | Variable::RequestHeaders => {
                None
            }
        }
    }

    fn json(&self, variable: Variable) -> Option<&Value> {
        match variable {
            Variable::IdentityClaims => Some(&self.identity.claims),
            Variable::Arguments => self.arguments(),
            _ => None,
        }
    }

    fn hint(&self, hint: Hint) -> Option<bool> {
        let hints = self.item?.annotations;
        match hint {
            Hint::ReadOnly => hints.read_only,
            Hint::Destructive => hints.destructive,
            Hint::Idempotent => hints.idempotent,
            Hint::OpenWorld => hints.open_world,
        }
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values =
            self.call.as_ref()?.0.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let first = values.next()?;
        Some(values.fold(first, |all, value| all + ", " + value))
    }
}
