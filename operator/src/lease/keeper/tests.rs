use serde_json::json;

use super::*;

fn stored(renewed: &str) -> Stored {
    serde_json::from_value(json!({
        "metadata": {"name": "portolan-default", "resourceVersion": "7", "labels": {"team": "mesh"}},
        "spec": {"holderIdentity": "operator-0_0000002a", "leaseDurationSeconds": 6, "leaseTransitions": 3,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": renewed},
    }))
    .unwrap()
}

#[test]
fn a_lease_is_read_without_its_times() {
    let read = lease(&stored("2026-01-01T00:00:00.000000Z"));
    assert_eq!(read.holder.as_deref(), Some(identity("operator-0", 42).as_str()));
    assert_eq!((read.epoch, read.term, read.version.as_str()), (4, TERM, "7"));
    for jumped in ["1999-12-31T23:59:59.000000Z", "2099-01-01T00:00:00.000000Z"] {
        assert_eq!(lease(&stored(jumped)), read);
    }
}

#[test]
fn a_vacated_lease_and_one_without_a_spec_are_nobodys() {
    let mut vacated = stored("2026-01-01T00:00:00.000000Z");
    vacated.spec.as_mut().unwrap().holder_identity = Some(String::new());
    assert_eq!(lease(&vacated).holder, None);
    assert_eq!(lease(&Stored::default()), Lease { holder: None, epoch: 1, term: TERM, version: String::new() });
}

#[test]
fn what_is_written_names_the_version_that_it_replaces_and_keeps_what_others_wrote() {
    let draft =
        |holder: Option<&str>, epoch| Draft { holder: holder.map(str::to_owned), epoch, over: Some("7".to_owned()) };
    let (before, now) = (stored("2026-01-01T00:00:00.000000Z"), Timestamp::from_second(1_800_000_000).unwrap());
    let renewed = drafted(before.clone(), "portolan-default", draft(Some("operator-0_0000002a"), 4), now);
    assert_eq!(
        (&renewed.metadata.resource_version, &renewed.metadata.labels),
        (&Some("7".into()), &before.metadata.labels)
    );
    let (old, new) = (before.spec.clone().unwrap(), renewed.spec.unwrap());
    assert_eq!((new.acquire_time, new.lease_transitions), (old.acquire_time, Some(3)));
    assert_eq!(new.renew_time, Some(MicroTime(now)));
    let taken = drafted(before.clone(), "portolan-default", draft(Some("operator-1_00000001"), 5), now).spec.unwrap();
    assert_eq!((taken.acquire_time, taken.lease_transitions), (Some(MicroTime(now)), Some(4)));
    let vacated = drafted(before, "portolan-default", draft(None, 4), now);
    assert_eq!(lease(&vacated), Lease { holder: None, epoch: 4, term: TERM, version: "7".to_owned() });
}
