use serde_json::Value;

use super::*;

#[test]
fn the_command_carries_a_whole_request() {
    let command = curl("http://127.0.0.1:8080/mcp", Some("mcp.example"));
    let body = command.split("-d '").nth(1).unwrap().trim_end_matches('\'');
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["method"], "tools/list");
    assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], REVISION);
    assert!(command.starts_with("curl -sS http://127.0.0.1:8080/mcp -H 'Host: mcp.example'"));
}
