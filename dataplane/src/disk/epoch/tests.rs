use std::fs;

use super::*;
use crate::limits::Limits;

fn file(folder: &tempfile::TempDir, fleet: &str) -> EpochFile {
    EpochFile::new(Some(folder.path()), fleet, Metrics::new(&Limits::default()))
}

#[tokio::test]
async fn what_was_reached_is_found_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = file(&folder, "default");
    assert_eq!(first.load(), 0);
    first.reached(7).await;
    assert_eq!(file(&folder, "default").load(), 7);
}

#[tokio::test]
async fn an_epoch_never_goes_back_and_the_same_one_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut epoch = file(&folder, "default");
    epoch.reached(7).await;
    fs::remove_file(folder.path().join("epoch.bin")).unwrap();
    epoch.reached(7).await;
    epoch.reached(3).await;
    assert!(!folder.path().join("epoch.bin").exists());
    epoch.reached(8).await;
    assert_eq!(file(&folder, "default").load(), 8);
}

#[tokio::test]
async fn a_file_that_is_torn_of_another_fleet_or_something_else_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("epoch.bin");
    let reason = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read(&path, "default").unwrap_err().word()
    };
    let framed = |content, fleet: &str, payload: &[u8]| Frame { content, fleet, payload }.encode();
    let whole = framed(Content::Epoch, "default", &7_u64.to_be_bytes());
    assert_eq!(reason(&framed(Content::Epoch, "other", &7_u64.to_be_bytes())), "other_fleet");
    assert_eq!(reason(&framed(Content::LastGood, "default", &7_u64.to_be_bytes())), "content");
    assert_eq!(reason(&framed(Content::Epoch, "default", b"7")), "malformed");
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&path, "default").is_err(), "{length} bytes of it");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(read(&path, "default").unwrap(), Some(7));
}

#[tokio::test]
async fn a_disk_that_does_not_take_it_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), b"a file where the folder should be").unwrap();
    let mut epoch = EpochFile::new(Some(&folder.path().join("data")), "default", Metrics::new(&Limits::default()));
    epoch.reached(7).await;
    assert!(epoch.metrics.render().contains("portolan_data_files_total{file=\"epoch\",outcome=\"failed\"} 1"));
    fs::remove_file(folder.path().join("data")).unwrap();
    epoch.reached(7).await;
    assert_eq!(read(&folder.path().join("data/epoch.bin"), "default").unwrap(), Some(7));
}
