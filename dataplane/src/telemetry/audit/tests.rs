use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::*;
use crate::limits::Limits;
use crate::telemetry::{Telemetry, Trace};

#[test]
fn a_full_queue_loses_lines_and_counts_them() {
    let metrics = Metrics::new(&Limits::default());
    let (queue, entries) = sync_channel(1);
    let telemetry = Telemetry::new(metrics.clone(), Some(Audit { queue }));
    let route = metrics.route(&Arc::from("team/route"));
    for _ in 0..3 {
        let mut account = telemetry.account(&Trace::new(None, None), &http::Method::POST);
        account.matched(&route, 1);
    }
    assert_eq!(entries.try_iter().count(), 1);
    assert!(metrics.render().contains("portolan_audit_dropped_total 2\n"));
}

#[test]
fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    drop(open(&path).unwrap());
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_dash_is_stdout() {
    assert_eq!(Sink::from("-"), Sink::Stdout);
    assert_eq!(Sink::from("/var/log/audit"), Sink::File("/var/log/audit".into()));
}
