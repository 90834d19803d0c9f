use super::*;
use crate::proto::{Fetch, FromOperator, Resource, Step};

fn messages() -> Vec<FromOperator> {
    let resource =
        Resource { name: "Server/a/b".to_owned(), version: "v".to_owned(), body: Bytes::from_static(b"body") };
    let step = Step { sequence: 7, commit: true, resources: vec![resource], ..Step::default() };
    vec![
        step.into(),
        Fetch { name: "Catalogue/a/b".to_owned(), version: "v".to_owned() }.into(),
        Step::default().into(),
    ]
}

#[test]
fn a_recording_reads_back_as_it_was_written() {
    let mut file = Vec::new();
    write(&mut file, &messages()[..1]).unwrap();
    write(&mut file, &messages()[1..]).unwrap();
    assert_eq!(read::<FromOperator>(&mut file.as_slice()).unwrap(), messages());
}

#[test]
fn a_recording_that_is_cut_off_is_refused() {
    let mut file = Vec::new();
    write(&mut file, &messages()).unwrap();
    file.truncate(file.len() - 1);
    assert!(read::<FromOperator>(&mut file.as_slice()).is_err());
}
