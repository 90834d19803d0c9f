//! The arrows between the crates, and what may never ship: read from `cargo metadata`, so that a new dependency cannot slip past.

#![allow(clippy::expect_used, reason = "helpers of tests may fail like tests")]

use std::collections::BTreeSet;

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

/// The members and what they ask for. Without what that resolves to: a fresh machine has not downloaded what other platforms need.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .no_deps()
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .expect("cargo metadata")
}

fn id_of(metadata: &Metadata, name: &str) -> PackageId {
    metadata.packages.iter().find(|package| package.name == name).expect("the package is in the graph").id.clone()
}

/// Names of all packages that `root` links when it is built alone: `cargo metadata` joins the features of all members, tests included.
fn linked(root: &str) -> BTreeSet<String> {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            root,
        ])
        .output()
        .expect("cargo tree");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8_lossy(&tree.stdout);
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
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
    let gateway = linked("portolan-dataplane");
    for forbidden in ["kube", "kube-client", "k8s-openapi", "portolan-crds"] {
        assert!(!gateway.contains(forbidden), "the gateway must not link {forbidden}");
    }
    let operator = linked("portolan-operator");
    for forbidden in ["rmcp", "portolan-dataplane"] {
        assert!(!operator.contains(forbidden), "the operator must not link {forbidden}");
    }
}

#[test]
fn what_ships_has_one_tls_and_one_crypto_stack() {
    for root in SHIPPED {
        let linked = linked(root);
        assert!(linked.contains("rustls") && linked.contains("aws-lc-rs"), "{root} speaks TLS by rustls on aws-lc-rs");
        for forbidden in ["ring", "openssl", "openssl-sys", "native-tls", "rmcp", "serde_yaml"] {
            assert!(!linked.contains(forbidden), "{root} must not link {forbidden}");
        }
    }
}

#[test]
fn pure_crates_have_no_runtime() {
    for root in ["portolan-crds", "portolan-expr"] {
        let linked = linked(root);
        for forbidden in ["tokio", "hyper", "kube-client"] {
            assert!(!linked.contains(forbidden), "{root} must not link {forbidden}");
        }
    }
}
