//! Manifests in files: which files, which objects they hold, and where each of them stands.
//!
//! A file that stops being YAML keeps the objects that it had: a half-saved edit must not take a route down.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use portolan_operator::object::{Object, ObjectKey, manifest::Unreadable};
use serde_json::Value;

use crate::yaml::{self, Node};

/// Bytes of one file.
const LARGEST: u64 = 16 << 20;
/// The group of our own kinds: what is in it and is not one of them is a mistake.
const GROUP: &str = "portolan.dev/";

/// What a set of paths held when it was last read.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    paths: Vec<PathBuf>,
    /// The last good reading of each file.
    good: BTreeMap<PathBuf, Vec<Node>>,
    /// Objects as they were, to count their edits: nobody else gives an object of a file its generation.
    generations: BTreeMap<ObjectKey, (Value, i64)>,
}

/// One reading.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The objects.
    pub(crate) objects: Vec<Object>,
    /// Where each stands.
    pub(crate) places: BTreeMap<ObjectKey, Place>,
    /// What is wrong with the files themselves.
    pub(crate) faults: Vec<Fault>,
    /// What was passed over, and why.
    pub(crate) notes: Vec<Fault>,
}

/// Where an object stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: PathBuf,
    /// The object with its lines.
    pub(crate) node: Node,
}

/// Something about a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The file.
    pub(crate) file: PathBuf,
    /// The line, counted from 1.
    pub(crate) line: u64,
    /// What is to be said.
    pub(crate) message: String,
}

impl Manifests {
    /// The manifests at these paths; nothing is read yet.
    pub(crate) fn at(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), ..Self::default() }
    }

    /// Reads everything again.
    pub(crate) fn read(&mut self) -> Reading {
        let mut reading = Reading::default();
        let files = files(&self.paths, &mut reading.faults);
        self.good.retain(|file, _| files.contains(file));
        for file in files {
            match text(&file)
                .map_err(|error| (1, error.to_string()))
                .and_then(|text| yaml::parse(&text).map_err(|fault| (fault.line, fault.message)))
            {
                Ok(documents) => {
                    self.good.insert(file.clone(), documents);
                }
                Err((line, message)) => reading.faults.push(Fault { file: file.clone(), line, message }),
            }
            for document in self.good.get(&file).cloned().unwrap_or_default() {
                self.take(document, &file, &mut reading);
            }
        }
        self.generations.retain(|key, _| reading.places.contains_key(key));
        reading
    }

    fn take(&mut self, node: Node, file: &Path, reading: &mut Reading) {
        let kind = node.member("kind").map(Node::value);
        if kind.as_ref().and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) {
            for item in node.member("items").map(Node::items).unwrap_or_default() {
                self.take(item.clone(), file, reading);
            }
            return;
        }
        let line = node.line();
        let say = |message: String| Fault { file: file.to_owned(), line, message };
        match Object::read(node.value()) {
            Ok(object) => {
                let key = object.key();
                if let Some(first) = reading.places.get(&key) {
                    let message = format!("{key} is also in {}:{}", first.file.display(), first.node.line());
                    return reading.faults.push(say(message));
                }
                reading.objects.push(self.with_generation(&key, &node, object));
                reading.places.insert(key, Place { file: file.to_owned(), node });
            }
            Err(Unreadable::OtherKind(kind)) if !kind.is_empty() && !kind.starts_with(GROUP) => {
                reading.notes.push(say(format!("{kind} is passed over: the gateway needs none")));
            }
            Err(unreadable) => reading.faults.push(say(unreadable.to_string())),
        }
    }

    /// The API server counts an object's edits in `metadata.generation`; here we do.
    fn with_generation(&mut self, key: &ObjectKey, node: &Node, object: Object) -> Object {
        let mut value = node.value();
        if !value["metadata"]["generation"].is_null() {
            return object;
        }
        let entry = self.generations.entry(key.clone()).or_insert_with(|| (value.clone(), 1));
        if entry.0 != value {
            *entry = (value.clone(), entry.1 + 1);
        }
        value["metadata"]["generation"] = entry.1.into();
        Object::read(value).unwrap_or(object)
    }
}

/// The files of the paths: themselves, or what a folder holds (not its own folders, as `kubectl apply -f` has it), in order of their names.
fn files(paths: &[PathBuf], faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match manifests_in(path) {
            Ok(found) => files.extend(found),
            Err(error) => faults.push(Fault { file: path.clone(), line: 1, message: error.to_string() }),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

fn manifests_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let named = path.extension().and_then(|extension| extension.to_str());
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.is_file() && matches!(named, Some("yaml" | "yml" | "json")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn text(file: &Path) -> io::Result<String> {
    if std::fs::metadata(file)?.len() > LARGEST {
        return Err(io::Error::other(format!("larger than {LARGEST} bytes")));
    }
    std::fs::read_to_string(file)
}

#[cfg(test)]
mod tests;
