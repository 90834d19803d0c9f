use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn kept(folder: &TempDir, ring: &Ring, plain: &[u8]) -> File {
    let file = File::last_good(folder.path(), "default");
    file.save(ring, 0, plain).unwrap();
    file
}

fn refusal(file: &File, ring: &Ring) -> &'static str {
    file.load(ring).unwrap_err().word()
}

#[test]
fn what_was_kept_is_read_again_and_nothing_of_it_is_plain() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Ring::generate());
    let file = kept(&folder, &ring, b"hunter2 is a secret");
    assert_eq!(file.load(&ring).unwrap().unwrap(), b"hunter2 is a secret");
    let bytes = fs::read(file.path()).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
}

#[test]
fn no_file_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::last_good(&folder.path().join("not/there/yet"), "default");
    assert!(file.load(&Ring::generate()).unwrap().is_none());
    file.save(&Ring::generate(), 0, b"x").unwrap();
}

#[test]
fn a_file_that_is_not_ours_whole_and_now_is_refused_by_name() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Ring::generate());
    let file = kept(&folder, &ring, b"content");
    let whole = fs::read(file.path()).unwrap();
    let with = |bytes: &[u8]| {
        fs::write(file.path(), bytes).unwrap();
        refusal(&file, &ring)
    };
    assert_eq!(with(b""), "torn");
    assert_eq!(with(&whole[..whole.len() - 1]), "torn");
    assert_eq!(with(b"{\"keys\": []}"), "foreign");
    let mut later = whole.clone();
    later[9] = 2;
    assert_eq!(with(&later), "version");
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(with(&flipped), "damaged");
    let framed = |content, fleet, payload: &[u8]| Frame { content, fleet, payload }.encode();
    let payload = Frame::decode(&whole).unwrap().payload;
    assert_eq!(with(&framed(Content::KeySets, "default", payload)), "content");
    assert_eq!(with(&framed(Content::LastGood, "other", payload)), "other_fleet");
    assert_eq!(with(&framed(Content::LastGood, "default", b"v1.k.forged")), "sealed");
    fs::write(file.path(), &whole).unwrap();
    assert!(file.load(&ring).unwrap().is_some(), "it was nothing else about it");
}

#[test]
fn a_file_of_another_fleet_does_not_open_under_our_name_nor_without_its_key() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Ring::generate());
    kept(&folder, &ring, b"content");
    assert_eq!(refusal(&File::last_good(folder.path(), "default"), &Ring::generate()), "sealed");
    let file = File::last_good(folder.path(), "other");
    assert_eq!(refusal(&file, &ring), "other_fleet");
    let whole = fs::read(file.path()).unwrap();
    let payload = Frame::decode(&whole).unwrap().payload;
    let renamed = Frame { content: Content::LastGood, fleet: "other", payload }.encode();
    fs::write(file.path(), renamed).unwrap();
    assert_eq!(refusal(&file, &ring), "sealed");
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::last_good(folder.path(), "default");
    fs::create_dir(file.path()).unwrap();
    assert_eq!(refusal(&file, &Ring::generate()), "unreadable");
}

#[test]
fn a_write_that_fails_leaves_the_file_of_before() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Ring::generate());
    let file = kept(&folder, &ring, b"before");
    fs::create_dir(file.path.with_added_extension("partial")).unwrap();
    assert!(file.save(&ring, 0, b"after").is_err());
    assert_eq!(file.load(&ring).unwrap().unwrap(), b"before");
}

#[test]
fn what_was_forgotten_is_not_brought_back_by_a_write_that_had_begun() {
    let (folder, ring) = (tempfile::tempdir().unwrap(), Ring::generate());
    let file = kept(&folder, &ring, b"with a grant");
    let begun = file.forgotten();
    file.forget().unwrap();
    assert!(file.load(&ring).unwrap().is_none());
    file.save(&ring, begun, b"with a grant").unwrap();
    assert!(file.load(&ring).unwrap().is_none(), "it was taken before the grant was");
    file.save(&ring, file.forgotten(), b"without").unwrap();
    assert_eq!(file.load(&ring).unwrap().unwrap(), b"without");
    file.forget().unwrap();
    file.forget().unwrap();
}
