use std::fs;

use tempfile::TempDir;

use super::*;

const SERVER: &str = "\
apiVersion: portolan.dev/v1alpha1
kind: McpServer
metadata: {name: notes}
spec: {source: {remote: {url: 'http://127.0.0.1:1/mcp'}}}
";

fn folder(files: &[(&str, &str)]) -> (TempDir, Manifests) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let manifests = Manifests::at(&[folder.path().to_owned()]);
    (folder, manifests)
}

fn keys(reading: &Reading) -> Vec<String> {
    reading.objects.iter().map(|object| object.key().to_string()).collect()
}

#[test]
fn a_folder_is_read_in_order_of_names() {
    let list = format!("kind: List\nitems:\n- {}\n", SERVER.replace('\n', "\n  ").replace("notes", "listed"));
    let (_folder, mut manifests) = folder(&[
        ("b.yaml", SERVER),
        ("a.yml", &list),
        ("ignored.txt", "nonsense: ["),
        (".hidden.yaml", "nonsense: ["),
    ]);
    let reading = manifests.read();
    assert_eq!(keys(&reading), ["McpServer default/listed", "McpServer default/notes"]);
    assert!(reading.faults.is_empty(), "{:?}", reading.faults);
    assert_eq!(reading.places.values().map(|place| place.node.line()).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn other_kinds_are_noted_and_our_own_misspelt_ones_are_faults() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\napiVersion: portolan.dev/v1alpha1\nkind: McpServr\n---\nkind: McpRoute\napiVersion: portolan.dev/v1\n---\njust text\n";
    let (_folder, mut manifests) = folder(&[("a.yaml", text)]);
    let reading = manifests.read();
    assert_eq!(reading.notes.len(), 1);
    assert!(reading.notes[0].message.contains("ConfigMap"));
    let lines: Vec<_> = reading.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [5, 8, 11], "{:?}", reading.faults);
}

#[test]
fn an_object_stands_in_one_place() {
    let (_folder, mut manifests) = folder(&[("a.yaml", SERVER), ("b.yaml", SERVER)]);
    let reading = manifests.read();
    assert_eq!(keys(&reading), ["McpServer default/notes"]);
    assert!(reading.faults[0].message.contains("a.yaml:1"), "{:?}", reading.faults);
}

#[test]
fn a_file_that_stops_being_yaml_keeps_its_objects() {
    let (folder, mut manifests) = folder(&[("a.yaml", SERVER)]);
    manifests.read();
    fs::write(folder.path().join("a.yaml"), "kind: [").unwrap();
    let reading = manifests.read();
    assert_eq!(keys(&reading), ["McpServer default/notes"]);
    assert_eq!(reading.faults.len(), 1);
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert!(manifests.read().objects.is_empty());
}

#[test]
fn an_edit_counts_the_generation_up() {
    let generation = |reading: &Reading| match &reading.objects[0] {
        Object::Server(server) => server.meta().generation,
        _ => None,
    };
    let (folder, mut manifests) = folder(&[("a.yaml", SERVER)]);
    assert_eq!(generation(&manifests.read()), Some(1));
    assert_eq!(generation(&manifests.read()), Some(1));
    fs::write(folder.path().join("a.yaml"), SERVER.replace("127.0.0.1:1", "127.0.0.1:2")).unwrap();
    assert_eq!(generation(&manifests.read()), Some(2));
}
