//! The bounds of strings and lists, as the schemas of fields.
//!
//! Every string, list and map of the API has one: the API server multiplies them into the cost of a CEL rule and
//! refuses a CRD whose rules could cost too much. Bounds count characters, as OpenAPI does.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Characters in a namespace, an entry's name and other DNS labels (RFC 1123).
pub const LABEL: usize = 63;
/// Characters in an object's name and in a host name (RFC 1123).
pub const SUBDOMAIN: usize = 253;
/// Characters in a path.
pub const PATH: usize = 256;
/// Characters in a URL.
pub const URL: usize = 2048;
/// Characters in a tool's name or a pattern over such names.
pub const TOOL: usize = 128;
/// Patterns in one list.
pub const GLOBS: usize = 64;
/// Characters in a CEL expression.
pub const EXPRESSION: usize = 4096;
/// Characters in a JSON Web Key Set.
pub const JWKS: usize = 65_536;
/// Characters in a description that replaces a tool's own.
pub const DESCRIPTION: usize = 4096;
/// Servers of one route.
pub const SERVERS: usize = 128;
/// Rules, limits and overrides of one list.
pub const ENTRIES: usize = 64;
/// Claims that one issuer's tokens are mapped to.
pub const CLAIMS: usize = 32;
/// Largest count: requests of a window, burst.
pub const COUNT: i64 = 1_000_000_000;
/// Characters that a server may say of itself in status (name, version, a capability).
pub const INFO: usize = 256;
/// Characters in a condition's message.
pub const MESSAGE: usize = 2048;

/// The first `limit` characters of `text`, with an ellipsis as the last one where something was cut.
#[must_use]
pub fn clip(text: &str, limit: usize) -> String {
    let mut cut = String::new();
    let mut characters = text.chars();
    cut.extend(characters.by_ref().take(limit));
    if characters.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// A string of 1 to `max` characters.
fn text(max: usize) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": max})
}

fn matching(max: usize, pattern: &str) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": max, "pattern": pattern})
}

/// Adds CEL rules, each with what it says when it does not hold.
fn ruled(mut schema: Schema, rules: &[(&str, &str)]) -> Schema {
    let rules: Vec<Value> = rules.iter().map(|(rule, message)| json!({"rule": rule, "message": message})).collect();
    schema.insert("x-kubernetes-validations".to_owned(), Value::Array(rules));
    schema
}

fn list(max: usize, items: &Schema) -> Schema {
    json_schema!({"type": "array", "maxItems": max, "items": items})
}

/// A list whose elements are different.
fn set(max: usize, items: &Schema) -> Schema {
    json_schema!({"type": "array", "maxItems": max, "items": items, "x-kubernetes-list-type": "set"})
}

/// A DNS label: the name of an entry, a namespace, a fleet.
pub(crate) fn label(_: &mut SchemaGenerator) -> Schema {
    matching(LABEL, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
}

fn dns() -> Schema {
    matching(SUBDOMAIN, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
}

/// A DNS name: an object's name, a host name.
pub(crate) fn subdomain(_: &mut SchemaGenerator) -> Schema {
    dns()
}

/// Host names, all different.
pub(crate) fn hostnames(_: &mut SchemaGenerator) -> Schema {
    set(16, &dns())
}

/// A key of a Secret.
pub(crate) fn secret_key(_: &mut SchemaGenerator) -> Schema {
    matching(SUBDOMAIN, "^[-._a-zA-Z0-9]+$")
}

/// What comes before a tool's name; may be empty.
pub(crate) fn prefix(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": LABEL, "pattern": "^[A-Za-z0-9_-]*$"})
}

/// A name that agents see: what every client accepts in a tool's name.
pub(crate) fn exposed_name(_: &mut SchemaGenerator) -> Schema {
    matching(64, "^[A-Za-z0-9_-]+$")
}

/// The exact name of a server's tool.
pub(crate) fn tool_name(_: &mut SchemaGenerator) -> Schema {
    text(TOOL)
}

/// Patterns over tool names.
pub(crate) fn globs(_: &mut SchemaGenerator) -> Schema {
    list(GLOBS, &text(TOOL))
}

/// Patterns over tool names, at least one.
pub(crate) fn some_globs(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = globs(generator);
    schema.insert("minItems".to_owned(), 1.into());
    schema
}

/// A description shown instead of a tool's own.
pub(crate) fn description(_: &mut SchemaGenerator) -> Schema {
    text(DESCRIPTION)
}

/// A CEL expression; whether it compiles is for the operator to say.
pub(crate) fn expression(_: &mut SchemaGenerator) -> Schema {
    text(EXPRESSION)
}

/// An HTTP path that is compared byte for byte, so every spelling that a proxy might rewrite is refused.
pub(crate) fn path(_: &mut SchemaGenerator) -> Schema {
    ruled(
        text(PATH),
        &[
            ("self.startsWith('/')", "must begin with '/'"),
            (
                r#"self.matches("^[A-Za-z0-9/._~!$&'()*+,;=:@-]*$")"#,
                "must be a plain path: no query, fragment, space or percent-encoding",
            ),
            (r"!self.matches('/[.]{1,2}(/|$)')", "must not have '.' or '..' as a segment"),
            ("!self.contains('//')", "must not have an empty segment"),
        ],
    )
}

/// The path of a route. Metadata documents of the gateway own `/.well-known` (RFC 8615).
pub(crate) fn route_path(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = path(generator);
    if let Some(rules) = schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        rules.push(json!({
            "rule": "self != '/.well-known' && !self.startsWith('/.well-known/')",
            "message": "/.well-known belongs to the gateway's own documents",
        }));
    }
    schema
}

fn http_url() -> Schema {
    ruled(
        text(URL),
        &[
            (
                "(self.startsWith('https://') || self.startsWith('http://')) && isURL(self) && url(self).getHostname() != ''",
                "must be a URL of the form https://HOST or http://HOST",
            ),
            ("!self.matches('^[a-z]+://[^/?#]*@')", "must not hold user information: credentials belong in a Secret"),
            ("!self.contains('#')", "must not have a fragment: it is never sent"),
        ],
    )
}

/// An `http` or `https` URL without credentials.
pub(crate) fn url(_: &mut SchemaGenerator) -> Schema {
    http_url()
}

/// URLs, all different.
pub(crate) fn urls(_: &mut SchemaGenerator) -> Schema {
    set(8, &http_url())
}

/// Scopes of OAuth (RFC 6749 section 3.3), all different.
pub(crate) fn scopes(_: &mut SchemaGenerator) -> Schema {
    set(32, &matching(128, r"^[\x21\x23-\x5b\x5d-\x7e]+$"))
}

/// Audiences of tokens, all different.
pub(crate) fn audiences(_: &mut SchemaGenerator) -> Schema {
    set(16, &text(512))
}

/// An issuer of tokens, compared byte for byte.
pub(crate) fn issuer(_: &mut SchemaGenerator) -> Schema {
    text(512)
}

/// A JSON Web Key Set as text.
pub(crate) fn jwks(_: &mut SchemaGenerator) -> Schema {
    text(JWKS)
}

/// Claims by the name that rules use.
pub(crate) fn claims(_: &mut SchemaGenerator) -> Schema {
    let claims = json_schema!({"type": "object", "maxProperties": CLAIMS, "additionalProperties": text(256)});
    ruled(
        claims,
        &[(
            "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]{0,62}$'))",
            "names must be identifiers, so that a rule can say identity.claims.NAME",
        )],
    )
}

/// Paths whose values share a limit.
pub(crate) fn limit_key(_: &mut SchemaGenerator) -> Schema {
    let identity = r"identity\.(issuer|subject|claims\.[A-Za-z_][A-Za-z0-9_]*)";
    let pattern = format!(r"^({identity}|tool\.(name|server)|request\.(method|host|path|revision))$");
    set(4, &matching(TOOL, &pattern))
}

/// A header that carries a credential.
pub(crate) fn credential_header(_: &mut SchemaGenerator) -> Schema {
    ruled(
        matching(64, "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        &[
            (
                "!(self.lowerAscii() in ['host', 'content-length', 'content-type', 'content-encoding', 'accept', \
                 'accept-encoding', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', \
                 'transfer-encoding', 'upgrade', 'expect', 'last-event-id', 'traceparent', 'tracestate'])",
                "the gateway sets this header itself",
            ),
            ("!self.lowerAscii().startsWith('mcp-')", "headers of the protocol carry no credentials"),
        ],
    )
}

/// A header's value with one hole.
pub(crate) fn credential_format(_: &mut SchemaGenerator) -> Schema {
    ruled(
        matching(INFO, r"^[\x20-\x7e]+$"),
        &[("self.split('%s').size() == 2", "must have exactly one %s, where the Secret's value goes")],
    )
}

#[cfg(test)]
mod tests;
