use std::{fs, path::Path};

use serde_json::Value;

use super::{definitions, manifests};

#[test]
fn the_charts_files_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/portolan/crds");
    for manifest in manifests().unwrap() {
        let path = folder.join(&manifest.file);
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == manifest.yaml, "{} is not up to date: run `make generate`", path.display());
    }
}

#[test]
fn the_yaml_reads_back_as_the_definition() {
    for (manifest, definition) in manifests().unwrap().iter().zip(definitions()) {
        let read: Value = serde_saphyr::from_str(&manifest.yaml).unwrap();
        assert_eq!(read, serde_json::to_value(definition).unwrap());
    }
}

/// Strings, lists and maps without a bound, below `path`. What Kubernetes itself bounds is left out.
fn unbounded(path: &str, schema: &Value, found: &mut Vec<String>) {
    let has = |key: &str| schema.get(key).is_some();
    let open = match schema["type"].as_str() {
        Some("string") => !has("maxLength") && !has("enum") && !has("format"),
        Some("array") => !has("maxItems"),
        Some("object") => !has("properties") && !has("maxProperties"),
        Some("integer") => !has("format"),
        _ => false,
    };
    if open {
        found.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if name != "conditions" {
            unbounded(&format!("{path}.{name}"), property, found);
        }
    }
    for member in ["items", "additionalProperties"] {
        if has(member) {
            unbounded(&format!("{path}[]"), &schema[member], found);
        }
    }
}

#[test]
fn every_string_list_and_map_has_a_bound() {
    for definition in definitions() {
        let kind = definition.spec.names.kind.clone();
        let schema = serde_json::to_value(&definition.spec.versions[0].schema).unwrap();
        let properties = &schema["openAPIV3Schema"]["properties"];
        let mut found = Vec::new();
        unbounded(&format!("{kind}.spec"), &properties["spec"], &mut found);
        unbounded(&format!("{kind}.status"), &properties["status"], &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn no_integer_has_an_unsigned_format() {
    for manifest in manifests().unwrap() {
        assert!(!manifest.yaml.contains("uint"), "{}", manifest.file);
    }
}
