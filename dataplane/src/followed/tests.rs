use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn number(files: &[Vec<u8>]) -> anyhow::Result<u32> {
    Ok(String::from_utf8(files.concat())?.trim().parse()?)
}

/// Files as kubelet mounts them: links through `..data` into a folder of one version, swapped at once.
fn mount(folder: &Path, version: &str, content: &str) {
    fs::create_dir(folder.join(version)).unwrap();
    fs::write(folder.join(version).join("number"), content).unwrap();
    symlink(version, folder.join("..new")).unwrap();
    fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    if !folder.join("number").exists() {
        symlink("..data/number", folder.join("number")).unwrap();
    }
}

#[test]
fn a_swapped_link_brings_the_new_value_and_wakes_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    mount(folder.path(), "..1", "1");
    let followed = Followed::load(vec![folder.path().join("number")], number).unwrap();
    let mut changes = followed.changes();
    assert!(!followed.refresh().unwrap());
    assert!(!changes.has_changed().unwrap());
    mount(folder.path(), "..2", "2");
    assert!(followed.refresh().unwrap());
    assert_eq!(**followed.current(), 2);
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert!(!followed.refresh().unwrap());
    assert!(!changes.has_changed().unwrap());
}

#[test]
fn what_does_not_load_or_is_gone_leaves_the_value_before_and_the_next_good_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    fs::write(&path, "1").unwrap();
    let followed = Followed::load(vec![path.clone()], number).unwrap();
    fs::write(&path, "nonsense").unwrap();
    assert!(followed.refresh().is_err());
    assert!(!followed.refresh().unwrap(), "the same files are not tried again");
    fs::remove_file(&path).unwrap();
    assert!(format!("{:#}", followed.refresh().unwrap_err()).contains("number"), "the file is named");
    assert_eq!(**followed.current(), 1);
    fs::write(&path, "3").unwrap();
    assert!(followed.refresh().unwrap());
    assert_eq!(**followed.current(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_force_within_about_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    fs::write(&path, "1").unwrap();
    let followed = Followed::load(vec![path.clone()], number).unwrap();
    let mut changes = followed.changes();
    tokio::spawn(followed.clone().follow());
    fs::write(&path, "2").unwrap();
    let began = tokio::time::Instant::now();
    changes.changed().await.unwrap();
    assert!(began.elapsed() <= Duration::from_millis(1500), "{:?}", began.elapsed());
    assert_eq!(**followed.current(), 2);
}

#[tokio::test]
async fn what_comes_from_no_file_is_not_followed() {
    let followed = Followed::fixed(7);
    followed.clone().follow().await;
    assert_eq!(**followed.current(), 7);
}
