//! The arrows between the crates, and what may never ship: read from `cargo metadata`, so that a new dependency cannot slip past.

#![allow(clippy::expect_used, reason = "helpers of tests may fail like tests")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Who may import whom inside the workspace (normal dependencies).
const ARROWS: [(&str, &[&str]); 7] = [
    ("portolan-crds", &[]),
    ("portolan-config", &[]),
    ("portolan-expr", &[]),
    ("portolan-operator", &["portolan-config", "portolan-crds", "portolan-expr"]),
    ("portolan-dataplane", &["portolan-config", "portolan-expr"]),
    ("portolan-cli", &["portolan-config", "portolan-crds", "portolan-dataplane", "portolan-operator"]),
    // The tests may import everything.
    (
        "portolan-tests",
        &["portolan-config", "portolan-crds", "portolan-dataplane", "portolan-expr", "portolan-operator"],
    ),
];

const SHIPPED: [&str; 3] = ["portolan-operator", "portolan-dataplane", "portolan-cli"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .expect("cargo metadata")
}

fn id_of(metadata: &Metadata, name: &str) -> PackageId {
    metadata.packages.iter().find(|package| package.name == name).expect("the package is in the graph").id.clone()
}

/// Names of all packages that `root` links when it is built for the users' platform.
fn linked(metadata: &Metadata, root: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut todo = vec![id_of(metadata, root)];
    let mut seen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in &nodes[&id].deps {
            let normal = dependency.dep_kinds.iter().any(|kind| {
                kind.kind == DependencyKind::Normal
                    && kind.target.as_ref().is_none_or(|target| !target.to_string().contains("windows"))
            });
            if normal {
                todo.push(dependency.pkg.clone());
            }
        }
    }
    seen.iter().map(|id| metadata[id].name.to_string()).collect()
}

#[test]
fn crates_import_only_along_the_arrows() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    assert_eq!(ours, members, "every crate of the workspace has its row");
    for (name, allowed) in ARROWS {
        let package = &metadata[&id_of(&metadata, name)];
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            let dependency = dependency.name.as_str();
            assert!(!ours.contains(dependency) || allowed.contains(&dependency), "{name} must not import {dependency}");
        }
    }
}

#[test]
fn the_gateway_links_no_kubernetes_client_and_the_operator_no_mcp() {
    let metadata = metadata();
    let gateway = linked(&metadata, "portolan-dataplane");
    for forbidden in ["kube", "kube-client", "k8s-openapi", "portolan-crds"] {
        assert!(!gateway.contains(forbidden), "the gateway must not link {forbidden}");
    }
    let operator = linked(&metadata, "portolan-operator");
    for forbidden in ["rmcp", "portolan-dataplane"] {
        assert!(!operator.contains(forbidden), "the operator must not link {forbidden}");
    }
}

#[test]
fn what_ships_has_one_tls_and_one_crypto_stack() {
    let metadata = metadata();
    for root in SHIPPED {
        let linked = linked(&metadata, root);
        assert!(linked.contains("rustls") && linked.contains("aws-lc-rs"), "{root} speaks TLS by rustls on aws-lc-rs");
        for forbidden in ["ring", "openssl", "openssl-sys", "native-tls", "rmcp", "serde_yaml"] {
            assert!(!linked.contains(forbidden), "{root} must not link {forbidden}");
        }
    }
}

#[test]
fn pure_crates_have_no_runtime() {
    let metadata = metadata();
    for root in ["portolan-crds", "portolan-expr"] {
        let linked = linked(&metadata, root);
        for forbidden in ["tokio", "hyper", "kube-client"] {
            assert!(!linked.contains(forbidden), "{root} must not link {forbidden}");
        }
    }
}
