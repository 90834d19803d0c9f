//! The watches against an API server that answers by a script: what it does wrong, and what becomes of it.

mod script;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::script::{Answer, Script, changed, too_old};
use super::*;
use crate::{
    fixtures::{files, remote},
    object::Object,
};

/// Longest wait for a change, in a time that passes by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A change in a word and names: `replace a b`, `apply c`, `delete a`; one that cannot be read has a `?`.
fn told(change: Change) -> String {
    let name = |object: &Object| {
        let readable = !matches!(object, Object::Server(server) if server.valid().is_none());
        object.key().key.name + if readable { "" } else { "?" }
    };
    match change {
        Change::Replace(objects) => format!("replace {}", objects.iter().map(name).collect::<Vec<_>>().join(" ")),
        Change::Apply(object) => format!("apply {}", name(&object)),
        Change::Delete(key) => format!("delete {}", key.key.name),
    }
}

/// Follows the script until it has said `count` changes.
async fn changes(script: &Script, metrics: &Metrics, count: usize) -> Vec<String> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let (api, metrics) = (Api::all(script.client()), metrics.clone());
    let config = watcher::Config::default();
    let feeding = tokio::spawn(async move {
        feed::<McpServer>(api, config, &metrics, |change| drop(sender.send(change))).await;
    });
    let mut all = Vec::new();
    while all.len() < count {
        let change = tokio::time::timeout(PATIENCE, receiver.recv()).await;
        all.push(told(change.unwrap_or_else(|_| panic!("after {all:?} nothing comes")).unwrap()));
    }
    feeding.abort();
    all
}

fn malformed(name: &str) -> Value {
    let mut object = remote(name);
    object["spec"] = json!({"source": 7});
    object
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_closed_goes_on_where_it_was() {
    let script = Script::new([
        Answer::List(5, vec![remote("a")]),
        Answer::Watch(vec![changed("ADDED", 6, remote("b"))]),
        Answer::Watch(vec![]),
        Answer::Watch(vec![changed("DELETED", 7, remote("a"))]),
    ]);
    assert_eq!(changes(&script, &Metrics::new(), 3).await, ["replace a", "apply b", "delete a"]);
    assert_eq!(script.asked()[..4], ["list", "watch 5", "watch 6", "watch 6"]);
}

#[tokio::test(start_paused = true)]
async fn what_vanished_while_the_version_grew_too_old_is_gone() {
    for gone in [Answer::Watch(vec![too_old()]), Answer::Status(410)] {
        let script =
            Script::new([Answer::List(5, vec![remote("a"), remote("b")]), gone, Answer::List(900, vec![remote("b")])]);
        let metrics = Metrics::new();
        assert_eq!(changes(&script, &metrics, 2).await, ["replace a b", "replace b"]);
        assert_eq!(script.asked()[..3], ["list", "watch 5", "list"]);
        let shown = metrics.render(&Operator::new(files()));
        assert!(shown.contains(r#"portolan_operator_watch_errors_total{kind="McpServer"} 1"#), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_asked_until_it_is_back_and_not_too_often() {
    let began = tokio::time::Instant::now();
    let away = std::iter::repeat_with(|| Answer::Away).take(5).chain([Answer::Status(503), Answer::Status(500)]);
    let script = Script::new(
        away.chain([Answer::List(5, vec![remote("a")]), Answer::Watch(vec![changed("ADDED", 6, remote("b"))])]),
    );
    assert_eq!(changes(&script, &Metrics::new(), 2).await, ["replace a", "apply b"]);
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_while_the_api_server_goes_away_loses_nothing() {
    let script = Script::new([
        Answer::List(5, vec![remote("a")]),
        Answer::Broken(vec![changed("ADDED", 6, remote("b"))]),
        Answer::Away,
        Answer::Watch(vec![changed("MODIFIED", 7, remote("b"))]),
    ]);
    assert_eq!(changes(&script, &Metrics::new(), 3).await, ["replace a", "apply b", "apply b"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_ends_no_list_and_no_watch() {
    let script = Script::new([
        Answer::List(5, vec![malformed("a"), remote("b")]),
        Answer::Watch(vec![changed("ADDED", 6, malformed("c")), changed("ADDED", 7, remote("d"))]),
    ]);
    assert_eq!(changes(&script, &Metrics::new(), 3).await, ["replace a? b", "apply c?", "apply d"]);
}

#[test]
fn what_nobody_reads_of_an_object_is_not_kept() {
    let mut object = remote("a");
    object["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"});
    object["metadata"]["managedFields"] = json!([{"manager": "somebody"}]);
    let mut stored: Stored<McpServer> = serde_json::from_value(object).unwrap();
    trim(&mut stored);
    let kept = serde_json::to_value(stored.meta()).unwrap();
    assert_eq!((&kept["annotations"], &kept["managedFields"]), (&json!({"kept": "yes"}), &Value::Null));
}
