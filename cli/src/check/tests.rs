use std::fs;

use super::*;

fn check(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objects.yaml");
    fs::write(&path, text).unwrap();
    let mut out = Vec::new();
    let code = run(&Check { paths: vec![path] }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    (format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS), text)
}

const ROUTE: &str = "\
apiVersion: portolan.dev/v1alpha1
kind: McpServer
metadata: {name: notes}
spec: {source: {remote: {url: 'http://127.0.0.1:1/mcp'}}}
---
apiVersion: portolan.dev/v1alpha1
kind: McpRoute
metadata: {name: desk}
spec:
  path: /mcp
  servers:
  - name: notes
    serverRef: {name: notes}
";

#[test]
fn sound_files_are_clean() {
    let (clean, text) = check(ROUTE);
    assert!(clean, "{text}");
    assert!(text.contains("2 objects, no problem"), "{text}");
}

#[test]
fn a_problem_is_shown_where_it_is() {
    let (clean, text) = check(&ROUTE.replace("path: /mcp", "path: mcp"));
    assert!(!clean);
    assert!(text.contains("objects.yaml:10: McpRoute default/desk: spec.path: "), "{text}");
}

#[test]
fn a_file_that_is_no_yaml_is_a_problem() {
    let (clean, text) = check("kind: [\n");
    assert!(!clean);
    assert!(text.contains("objects.yaml:"), "{text}");
}
