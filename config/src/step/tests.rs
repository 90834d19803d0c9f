use bytes::Bytes;

use super::*;

fn resource(index: usize, bytes: usize) -> Resource {
    Resource { name: format!("Chunk/a/b/{index}"), version: "0".repeat(32), body: Bytes::from(vec![0; bytes]) }
}

#[test]
fn an_empty_step_is_one_part_with_the_commit_mark() {
    let parts = WholeStep::default().into_parts(3, 9);
    assert_eq!(parts, [Step { epoch: 3, sequence: 9, commit: true, ..Step::default() }]);
}

#[test]
fn no_part_is_over_1_mib_and_only_the_last_commits() {
    let resources = (0..40).map(|index| resource(index, 100_000)).collect();
    let names = (0..40_000).map(|index| format!("Server/namespace/a-server-of-many-{index}")).collect();
    let parts = WholeStep { resources, removed: names, ..WholeStep::default() }.into_parts(1, 2);
    assert!(parts.iter().all(|part| part.encoded_len() <= STEP_PART_BYTES));
    assert_eq!(parts.iter().position(|part| part.commit), Some(parts.len() - 1));
    assert!(parts.iter().all(|part| (part.epoch, part.sequence) == (1, 2)));
    assert_eq!(parts.iter().map(|part| part.resources.len()).sum::<usize>(), 40);
    assert_eq!(parts.iter().map(|part| part.removed.len()).sum::<usize>(), 40_000);
}

#[test]
fn a_resource_over_1_mib_travels_alone() {
    let resources = vec![resource(0, 10), resource(1, STEP_PART_BYTES + 1), resource(2, 10)];
    let parts = WholeStep { resources, ..WholeStep::default() }.into_parts(0, 1);
    assert_eq!(parts.iter().map(|part| part.resources.len()).collect::<Vec<_>>(), [1, 1, 1]);
}
