//! JSON-RPC errors: the codes, and the one place that writes them.

use bytes::Bytes;

use super::json::write_string;

/// The body is not JSON (JSON-RPC 2.0).
pub const PARSE_ERROR: i64 = -32700;
/// The body is JSON but not a message that is allowed here (JSON-RPC 2.0).
pub const INVALID_REQUEST: i64 = -32600;
/// No such method (JSON-RPC 2.0).
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Wrong parameters, and what does not exist or may not be seen (JSON-RPC 2.0).
pub const INVALID_PARAMS: i64 = -32602;
/// The upstream failed us (JSON-RPC 2.0).
pub const INTERNAL_ERROR: i64 = -32603;
/// Headers and body disagree (MCP 2026-07-28, Streamable HTTP).
pub const HEADER_MISMATCH: i64 = -32020;
/// A client capability that the call needs was not declared (MCP 2026-07-28).
pub const MISSING_CAPABILITY: i64 = -32021;
/// The revision is not spoken here (MCP 2026-07-28).
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// A policy denies the call. Our own codes lie outside the range that JSON-RPC keeps for itself.
pub const DENIED: i64 = -31403;
/// A rate limit holds the call back.
pub const LIMITED: i64 = -31429;
/// The gateway cannot serve this now.
pub const UNAVAILABLE: i64 = -31503;

/// An error response. `id` is the request's id as sent (`null` if unknown); `data` is JSON.
#[must_use]
pub fn render(id: Option<&[u8]>, code: i64, message: &str, data: Option<&[u8]>) -> Bytes {
    let id = id.unwrap_or(b"null");
    let mut out = Vec::with_capacity(64 + id.len() + message.len() + data.map_or(0, <[u8]>::len));
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id);
    out.extend_from_slice(br#","error":{"code":"#);
    out.extend_from_slice(code.to_string().as_bytes());
    out.extend_from_slice(br#","message":"#);
    write_string(&mut out, message);
    if let Some(data) = data {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data);
    }
    out.extend_from_slice(b"}}");
    out.into()
}

#[cfg(test)]
mod tests;
