use serde_json::json;

use super::*;

const TEXT: &str = "\
# a comment
kind: McpRoute
spec:
  path: /mcp
  servers:
  - name: one
    prefix: ''
  - name: two
    port: 8080
    on: true
---
---
kind: Other
none: ~
half: 0.5
";

#[test]
fn documents_are_read_without_empty_ones() {
    let documents = parse(TEXT).unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(
        documents[0].value(),
        json!({"kind": "McpRoute", "spec": {"path": "/mcp", "servers": [
            {"name": "one", "prefix": ""}, {"name": "two", "port": 8080, "on": true}]}})
    );
    assert_eq!(documents[1].value(), json!({"kind": "Other", "none": null, "half": 0.5}));
}

#[test]
fn every_field_has_its_line() {
    let documents = parse(TEXT).unwrap();
    for (field, line) in [
        ("", 2),
        ("kind", 2),
        ("spec", 3),
        ("spec.path", 4),
        ("spec.servers", 5),
        ("spec.servers[0]", 6),
        ("spec.servers[0].prefix", 7),
        ("spec.servers[1].port", 9),
        ("spec.servers[1].tools.include[3]", 8),
        ("spec.unknown", 3),
    ] {
        assert_eq!(documents[0].line_of(field), line, "{field}");
    }
    assert_eq!(documents[1].line(), 13);
}

#[test]
fn what_is_no_yaml_is_a_fault_with_its_line() {
    assert_eq!(parse("a: 1\nb: [1, 2\n").unwrap_err().line, 2);
    assert_eq!(parse("a: 1\na: 2\n").unwrap_err().line, 2);
    assert!(!parse("a: *nowhere\n").unwrap_err().message.is_empty());
}
