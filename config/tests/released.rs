//! What a release has put on the wire stays what it was: no field, value or method that it knew is removed, renumbered or given another type.
//! What is new is free, since whoever does not know a field ignores it.
//!
//! `proto/released/VERSION.txt` has a line for each; it is written once, with `PORTOLAN_TEST_RECORD` set, and never changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const FILES: [&str; 3] = ["resources", "stream", "disk"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("proto")
}

/// One line for each thing that a peer may rely on.
fn known() -> Result<BTreeSet<String>, protox::Error> {
    let files = FILES.map(|name| format!("portolan/config/v1/{name}.proto"));
    let set = protox::compile(files, [folder()])?;
    let mut known = BTreeSet::new();
    for file in set.file {
        for message in &file.message_type {
            let fields = message.field.iter().map(|field| {
                let one_of = field.oneof_index.map_or("", |_| " in a oneof");
                let of = field.type_name().trim_start_matches('.');
                let (kind, label) = (field.r#type().as_str_name(), field.label().as_str_name());
                format!("{}.{} = {}: {label} {kind} {of}{one_of}", message.name(), field.name(), field.number())
            });
            known.extend(fields);
            let maps = message.nested_type.iter().flat_map(|map| map.field.iter().map(move |field| (map, field)));
            known.extend(maps.map(|(map, field)| {
                let of = field.type_name().trim_start_matches('.');
                let kind = field.r#type().as_str_name();
                format!("{}.{}.{} = {}: {kind} {of}", message.name(), map.name(), field.name(), field.number())
            }));
        }
        for kind in &file.enum_type {
            known.extend(
                kind.value.iter().map(|value| format!("{}.{} = {}", kind.name(), value.name(), value.number())),
            );
        }
        for service in &file.service {
            known.extend(service.method.iter().map(|method| {
                let streams = (method.client_streaming(), method.server_streaming());
                format!(
                    "{}/{}: {} -> {} {streams:?}",
                    service.name(),
                    method.name(),
                    method.input_type(),
                    method.output_type()
                )
            }));
        }
    }
    Ok(known.into_iter().map(|line| line.trim_end().to_owned()).collect())
}

/// What of a release is not there any more.
fn broken(released: &str, known: &BTreeSet<String>) -> Vec<String> {
    released.lines().filter(|line| !line.is_empty() && !known.contains(*line)).map(str::to_owned).collect()
}

#[test]
fn nothing_that_a_release_knew_is_gone_or_means_something_else() {
    let known = known().expect("the protocol compiles");
    let own = folder().join("released").join(concat!(env!("CARGO_PKG_VERSION"), ".txt"));
    if std::env::var_os("PORTOLAN_TEST_RECORD").is_some() && !own.exists() {
        let lines: Vec<&str> = known.iter().map(String::as_str).collect();
        fs::write(&own, lines.join("\n") + "\n").expect("the list is written");
    }
    let mut releases = 0;
    for entry in fs::read_dir(folder().join("released")).expect("there are releases") {
        let path = entry.expect("a file").path();
        let released = fs::read_to_string(&path).expect("a list");
        let broken = broken(&released, &known);
        assert!(broken.is_empty(), "{} of it: {broken:#?}", path.display());
        releases += 1;
    }
    assert!(releases > 0, "no release is kept");
}

#[test]
fn a_field_that_is_removed_renumbered_or_retyped_is_found() {
    let known = known().expect("the protocol compiles");
    let line = "Step.sequence = 2: LABEL_OPTIONAL TYPE_UINT64";
    assert!(known.contains(line), "{known:#?}");
    let released = format!("{line}\n");
    assert!(broken(&released, &known).is_empty());
    for changed in ["Step.sequence = 9: LABEL_OPTIONAL TYPE_UINT64", "Step.sequence = 2: LABEL_OPTIONAL TYPE_STRING"] {
        let mut later = known.clone();
        later.remove(line);
        assert_eq!(broken(&released, &later), [line], "removed");
        later.insert(changed.to_owned());
        assert_eq!(broken(&released, &later), [line], "changed");
    }
}
