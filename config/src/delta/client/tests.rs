use super::*;
use crate::proto::{Hold, Refused, Step};

fn resource(name: &str, body: &'static [u8]) -> Resource {
    Resource { name: name.to_owned(), version: Version::of(body).to_string(), body: Bytes::from_static(body) }
}

fn step(sequence: u64, commit: bool, resources: Vec<Resource>) -> Step {
    Step { sequence, commit, resources, ..Step::default() }
}

fn subscribed() -> Session {
    let mut session = Session::new("gateway-0".to_owned(), "default".to_owned(), "0.1.0".to_owned());
    session.subscribe();
    session
}

fn change(session: &mut Session, step: Step) -> Change {
    match session.on_message(step.into()) {
        Ok(Reaction::Change(change)) => change,
        other => panic!("no change: {other:?}"),
    }
}

fn apply(session: &mut Session, step: Step) -> Change {
    let change = change(session, step);
    session.applied(change.sequence, Vec::new());
    change
}

fn rejected(name: &str) -> Rejected {
    Rejected { name: name.to_owned(), version: String::new(), reason: "no".to_owned() }
}

fn in_force(session: &Session) -> Vec<(&str, &[u8])> {
    session.applied_set().map(|(name, _, body)| (name.as_str(), body.as_ref())).collect()
}

#[test]
fn nothing_is_seen_before_the_commit_mark() {
    let mut session = subscribed();
    assert_eq!(session.on_message(step(1, false, vec![resource("Server/a/b", b"1")]).into()), Ok(Reaction::None));
    let change = change(&mut session, step(1, true, vec![resource("Route/a/r", b"2")]));
    let names: Vec<_> = change.upserts.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!((names, change.initial), (vec!["Route/a/r", "Server/a/b"], true));
}

#[test]
fn an_empty_initial_step_is_a_change() {
    assert!(apply(&mut subscribed(), step(0, true, Vec::new())).initial);
}

#[test]
fn a_rejected_resource_leaves_the_previous_version_in_force() {
    let mut session = subscribed();
    apply(&mut session, step(1, true, vec![resource("Server/a/b", b"1")]));
    change(&mut session, step(2, true, vec![resource("Server/a/b", b"2"), resource("Server/a/c", b"3")]));
    let ack = session.applied(2, vec![rejected("Server/a/b"), rejected("Route/never/sent")]);
    assert_eq!(ack, Ack { sequence: 2, rejected: vec![rejected("Server/a/b")] }.into());
    assert_eq!(in_force(&session), [("Server/a/b", b"1".as_slice()), ("Server/a/c", b"3")]);
}

#[test]
fn resources_of_a_newer_release_are_rejected_and_the_rest_is_in_force() {
    let mut session = subscribed();
    let resources = vec![resource("Widget/a/b", b"1"), resource("Server/a/b", b"2")];
    let sequence = apply_and_ack(&mut session, step(1, true, resources));
    assert_eq!(sequence, ["Widget/a/b"]);
    assert_eq!(in_force(&session), [("Server/a/b", b"2".as_slice())]);
}

fn apply_and_ack(session: &mut Session, step: Step) -> Vec<String> {
    let change = change(session, step);
    let Some(crate::proto::from_gateway::Message::Ack(ack)) = session.applied(change.sequence, Vec::new()).message
    else {
        panic!("no acknowledgement")
    };
    ack.rejected.into_iter().map(|rejected| rejected.name).collect()
}

#[test]
fn messages_of_a_newer_release_are_ignored() {
    assert_eq!(subscribed().on_message(FromOperator { message: None }), Ok(Reaction::None));
}

#[test]
fn a_lower_epoch_is_refused_on_every_later_stream() {
    let mut session = subscribed();
    apply(&mut session, Step { epoch: 5, ..step(1, true, Vec::new()) });
    session.subscribe();
    let stale = Step { epoch: 4, ..step(1, true, Vec::new()) };
    assert_eq!(session.on_message(stale.into()), Err(ProtocolError::StaleEpoch { seen: 5, got: 4 }));
}

#[test]
fn broken_steps_end_the_stream_and_change_nothing() {
    let good = || resource("Server/a/b", b"1");
    let corrupt = Resource { body: Bytes::from_static(b"other"), ..good() };
    let name = || good().name.parse().unwrap();
    let removed =
        |names: &[&str]| Step { removed: names.iter().map(|&n| n.to_owned()).collect(), ..step(2, true, Vec::new()) };
    let hold = || Hold { name: good().name, ..Hold::default() };
    let cases = [
        (vec![step(2, false, Vec::new()), step(3, true, Vec::new())], ProtocolError::MixedStep),
        (vec![step(2, true, Vec::new()), step(3, true, Vec::new())], ProtocolError::StepInFlight),
        (vec![step(1, true, Vec::new())], ProtocolError::StaleSequence { acknowledged: 1, got: 1 }),
        (vec![step(2, true, vec![corrupt])], ProtocolError::Corrupt(name())),
        (vec![step(2, true, vec![good(), good()])], ProtocolError::Twice(name())),
        (vec![step(2, false, vec![good()]), removed(&["Server/a/b"])], ProtocolError::Twice(name())),
        (vec![removed(&["Server/a/b", "Server/a/b"])], ProtocolError::Twice(name())),
        (vec![Step { held: vec![hold(), hold()], ..step(2, true, Vec::new()) }], ProtocolError::Twice(name())),
    ];
    for (mut steps, error) in cases {
        let mut session = subscribed();
        apply(&mut session, step(1, true, vec![resource("Route/a/r", b"1")]));
        let last = steps.pop().unwrap();
        for step in steps {
            session.on_message(step.into()).unwrap();
        }
        assert_eq!(session.on_message(last.into()), Err(error.clone()));
        assert_eq!(in_force(&session), [("Route/a/r", b"1".as_slice())], "{error}");
        let next = step(9, true, Vec::new());
        assert_eq!(session.on_message(next.into()), Err(ProtocolError::NotSubscribed), "{error}");
    }
}

#[test]
fn an_endless_step_is_refused() {
    let mut session = subscribed();
    let removed = |part: usize| (0..100_000).map(|index| format!("Server/{part}/{index}")).collect();
    let mut parts = (0..).map(|part| Step { removed: removed(part), ..step(1, false, Vec::new()) });
    let bound = crate::limits::STEP_NAMES / 100_000;
    assert!(parts.by_ref().take(bound).all(|part| session.on_message(part.into()).is_ok()));
    assert_eq!(session.on_message(parts.next().unwrap().into()), Err(ProtocolError::StepTooLarge));
}

#[test]
fn an_acknowledgement_of_another_sequence_changes_nothing() {
    let mut session = subscribed();
    change(&mut session, step(1, true, vec![resource("Server/a/b", b"1")]));
    session.applied(7, Vec::new());
    assert_eq!(in_force(&session), []);
    session.applied(1, Vec::new());
    assert_eq!(in_force(&session).len(), 1);
}

#[test]
fn a_held_name_goes_on_in_the_version_that_is_in_force_here() {
    let mut session = subscribed();
    apply(&mut session, step(1, true, vec![resource("Policy/a/p", b"1")]));
    let hold =
        |name: &str| Hold { name: name.to_owned(), version: String::new(), dependents: vec!["Route/a/r".to_owned()] };
    let held = vec![hold("Policy/a/p"), hold("Policy/a/q")];
    let change = apply(&mut session, Step { held, ..step(2, true, Vec::new()) });
    let route = || vec!["Route/a/r".parse().unwrap()];
    let own = Some(Version::of(b"1"));
    assert_eq!(
        change.held,
        [("Policy/a/p".parse().unwrap(), own, route()), ("Policy/a/q".parse().unwrap(), None, route())]
    );
}

#[test]
fn a_hold_that_an_initial_step_does_not_repeat_is_over() {
    let mut session = subscribed();
    let hold = |name: &str| Hold { name: name.to_owned(), ..Hold::default() };
    let held = vec![hold("Policy/a/p"), hold("Policy/a/q")];
    apply(&mut session, Step { held, ..step(1, true, vec![resource("Policy/a/p", b"1")]) });
    session.subscribe();
    let change = apply(&mut session, step(1, true, Vec::new()));
    let upserts: Vec<_> = change.upserts.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!((upserts, change.removed), (vec!["Policy/a/p"], vec!["Policy/a/q".parse().unwrap()]));
    session.subscribe();
    assert_eq!(apply(&mut session, step(1, true, Vec::new())).upserts, []);
}

#[test]
fn a_fetch_is_answered_from_what_is_in_force_and_from_reports() {
    let mut session = subscribed();
    apply(&mut session, step(1, true, vec![resource("Policy/a/p", b"1")]));
    let chunk = Name::chunk("a", "s", 0);
    session.report(
        Report { server: "Server/a/s".to_owned(), ..Report::default() },
        vec![(chunk, Bytes::from_static(b"2"))],
    );
    let fetch = |name: &str, body: &[u8]| Fetch { name: name.to_owned(), version: Version::of(body).to_string() };
    for (name, body) in [("Policy/a/p", b"1"), ("Chunk/a/s/0", b"2")] {
        let reaction = session.on_message(fetch(name, body).into());
        assert_eq!(reaction, Ok(Reaction::Send(resource(name, body).into())));
    }
    let absent = |name: &str| Ok(Reaction::Send(Resource { name: name.to_owned(), ..Resource::default() }.into()));
    assert_eq!(session.on_message(fetch("Policy/a/p", b"3").into()), absent("Policy/a/p"));
    session.forget_report(&"Server/a/s".parse().unwrap());
    assert_eq!(session.on_message(fetch("Chunk/a/s/0", b"2").into()), absent("Chunk/a/s/0"));
    assert_eq!(session.on_message(fetch("no name", b"2").into()), absent("no name"));
}

#[test]
fn the_newest_report_on_each_server_is_told_again() {
    let mut session = subscribed();
    let report =
        |reason: &str| Report { server: "Server/a/s".to_owned(), reason: reason.to_owned(), ..Report::default() };
    session.report(report("TimedOut"), Vec::new());
    let last = session.report(report("Verified"), vec![(Name::chunk("a", "s", 0), Bytes::from_static(b"2"))]);
    assert_eq!(session.reports().collect::<Vec<_>>(), [last]);
}

#[test]
fn a_refusal_names_who_serves_instead() {
    let refused = Refused { reason: "not the holder".to_owned(), holder: "operator-1".to_owned() };
    let expected = Reaction::Refused { reason: refused.reason.clone(), holder: refused.holder.clone() };
    assert_eq!(subscribed().on_message(refused.into()), Ok(expected));
}

#[test]
fn a_change_prints_no_bodies() {
    let change = change(&mut subscribed(), step(1, true, vec![resource("Secret/a/s", b"hunter2")]));
    assert!(!format!("{change:?}").contains("hunter2"));
    assert!(!format!("{change:?}").contains("104, 117"));
}

#[test]
fn a_refused_resource_that_is_gone_when_the_stream_comes_back_is_told_as_removed() {
    let mut session = subscribed();
    change(&mut session, step(1, true, vec![resource("Policy/a/p", b"1")]));
    session.applied(1, vec![rejected("Policy/a/p")]);
    session.subscribe();
    assert_eq!(apply(&mut session, step(9, true, Vec::new())).removed, ["Policy/a/p".parse().unwrap()]);
}

#[test]
fn what_was_kept_is_what_the_next_process_subscribes_with() {
    let mut session = subscribed();
    let held = vec![Hold { name: "Policy/a/bad".to_owned(), ..Hold::default() }];
    let resources = vec![resource("Server/a/b", b"1"), resource("Route/a/r", b"2")];
    apply(&mut session, Step { epoch: 3, held, ..step(1, true, resources) });
    let closed: Name = "Route/a/r".parse().unwrap();
    let kept = session.last_good(|_| vec![closed.clone()]);
    assert_eq!(kept.held, [("Policy/a/bad".parse().unwrap(), vec![closed])].into());

    let mut next = Session::new("gateway-0".to_owned(), "default".to_owned(), "0.2.0".to_owned());
    next.restore(kept, &[rejected("Server/a/b")]);
    let Some(crate::proto::from_gateway::Message::Subscribe(subscribe)) = next.subscribe().message else {
        panic!("no subscription")
    };
    let initial: Vec<_> = subscribe.initial.iter().map(|held| held.name.as_str()).collect();
    assert_eq!((initial, subscribe.highest_epoch), (vec!["Route/a/r"], 3));
    let change = apply(&mut next, Step { epoch: 3, ..step(4, true, Vec::new()) });
    let removed: Vec<_> = change.removed.iter().map(Name::as_str).collect();
    assert_eq!(removed, ["Policy/a/bad", "Server/a/b"], "neither is held any more");
}
