use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::limits::Limits;

fn metrics() -> Metrics {
    Metrics::new(&Limits::default())
}

fn keeper(folder: &tempfile::TempDir) -> Keeper {
    Keeper::new(Some(File::last_good(folder.path(), "default")), metrics())
}

/// How often an outcome was counted.
fn counted(keeper: &Keeper, outcome: &str) -> u64 {
    let series = format!("portolan_data_files_total{{file=\"last_good\",outcome=\"{outcome}\"}} ");
    let text = keeper.metrics.render();
    text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_changes_is_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = keeper(&folder);
    let begun = Instant::now();
    for _ in 0..100 {
        keeper.touch();
    }
    keeper.due().await;
    assert_eq!(begun.elapsed(), REST);
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    keeper.write(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_secs(60), keeper.due()).await.is_err(), "nothing more is due");
    assert_eq!((writes.load(Ordering::Relaxed), counted(&keeper, "written")), (1, 1));
}

#[tokio::test]
async fn a_change_during_a_write_waits_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = keeper(&folder);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    keeper.write(move |_, _| gate.recv().map_err(io::Error::other));
    keeper.touch();
    assert!(tokio::time::timeout(REST * 2, keeper.due()).await.is_err(), "one write at a time");
    release.send(()).unwrap();
    keeper.due().await;
    assert!(keeper.settle().await);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_take_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = keeper(&folder);
    for _ in 0..3 {
        keeper.write(|_, _| Err(io::ErrorKind::StorageFull.into()));
        keeper.settle().await;
        assert!(keeper.failing);
        let begun = Instant::now();
        keeper.due().await;
        assert_eq!(begun.elapsed(), RETRY);
    }
    assert_eq!(counted(&keeper, "failed"), 3);
    assert!(keeper.metrics.render().contains("portolan_data_files_behind{file=\"last_good\"} 1"));
    keeper.write(|_, _| Ok(()));
    assert!(!keeper.settle().await && !keeper.failing);
    assert!(keeper.metrics.render().contains("portolan_data_files_behind{file=\"last_good\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_at_once_and_the_rest_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = keeper(&folder);
    let ring = Ring::generate();
    File::last_good(folder.path(), "default").save(&ring, 0, b"kept").unwrap();
    assert_eq!(keeper.load(&ring, |bytes| Ok(bytes.to_vec())).unwrap(), b"kept");
    keeper.forget();
    assert!(keeper.load(&ring, |bytes| Ok(bytes.to_vec())).is_none());
    let begun = Instant::now();
    keeper.due().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_cannot_be_understood_is_counted_and_the_same_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&folder);
    let ring = Ring::generate();
    assert!(keeper.load(&ring, |_| Ok(())).is_none());
    File::last_good(folder.path(), "default").save(&ring, 0, b"kept").unwrap();
    assert!(keeper.load(&ring, |_| Err::<(), _>("no".to_owned())).is_none());
    std::fs::write(folder.path().join("last-good.bin"), "PORT").unwrap();
    assert!(keeper.load(&ring, |_| Ok(())).is_none());
    assert_eq!((counted(&keeper, "malformed"), counted(&keeper, "torn")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_folder_nothing_is_ever_due() {
    let mut keeper = Keeper::new(None, metrics());
    keeper.touch();
    keeper.forget();
    assert!(!keeper.settle().await);
    assert!(tokio::time::timeout(Duration::from_secs(60), keeper.due()).await.is_err());
}
