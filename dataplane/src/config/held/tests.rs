use std::fs;

use futures::FutureExt as _;

use super::*;

#[tokio::test]
async fn what_is_held_is_told_again_when_the_ring_changes_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    fs::write(&file, Ring::new_key_file()).unwrap();
    let ring = Followed::load(vec![file.clone()], |files| Ok(Ring::parse(&files.concat())?)).unwrap();
    let mut held = Held::new(ring.clone(), None);
    let first = held.message();
    assert_eq!((first.key_ids.as_slice(), first.authorities.len()), (std::slice::from_ref(&first.sealing), 0));
    assert!(held.changed().now_or_never().is_none());
    fs::write(&file, Ring::new_key_file()).unwrap();
    ring.refresh().unwrap();
    held.changed().await;
    let second = held.message();
    assert_ne!(first.sealing, second.sealing);
    assert!(held.changed().now_or_never().is_none(), "it was told");
}
