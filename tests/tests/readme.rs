//! What the documents promise is there: tests that are named exist, and the table of limits is the gateway's own.

use std::fs;
use std::path::{Path, PathBuf};

use portolan_dataplane::limits::Limits;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the invariants, as their two cells.
fn invariants(readme: &str) -> Vec<(&str, &str)> {
    let table = readme.split("| invariant | tests |").nth(1).unwrap_or_default();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.trim_matches('|').rsplit_once('|')).collect()
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let readme = read("README.md");
    let rows = invariants(&readme);
    assert_eq!(rows.len(), 15, "every invariant has its row");
    let mut named = 0;
    for (invariant, tests) in rows {
        let mut source = String::new();
        for word in quoted(tests) {
            if word.ends_with(".rs") {
                source = read(word);
                continue;
            }
            let is_test =
                source.contains(&format!("\nfn {word}()")) || source.contains(&format!("\nasync fn {word}()"));
            assert!(is_test, "{invariant}: there is no {word}");
            named += 1;
        }
    }
    assert!(named > 20, "{named} tests are named");
}

#[test]
fn the_table_of_limits_is_the_gateways_own() {
    let table = Limits::default().table();
    assert!(read("docs/limits.md").contains(&table), "docs/limits.md differs from:\n{table}");
}

#[test]
fn links_of_the_readme_lead_somewhere() {
    let readme = read("README.md");
    let links: Vec<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
        .collect();
    assert!(!links.is_empty());
    for link in links {
        assert!(root().join(link).exists(), "{link}");
    }
}
