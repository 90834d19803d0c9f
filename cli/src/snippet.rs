//! What to paste into a shell to see that an endpoint works.

/// The newest revision that the gateway speaks: it needs no session, so that one command shows something.
const REVISION: &str = "2026-07-28";

/// A `curl` command that lists the tools of an endpoint. `host` is the route's own name, where the URL has another.
pub(crate) fn curl(url: &str, host: Option<&str>) -> String {
    let host = host.map(|host| format!(" -H 'Host: {host}'")).unwrap_or_default();
    let meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"{REVISION}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    format!(
        "curl -sS {url}{host} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
         -H 'MCP-Protocol-Version: {REVISION}' -H 'Mcp-Method: tools/list' \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{{\"_meta\":{meta}}}}}'"
    )
}

#[cfg(test)]
mod tests;
