use super::*;
use crate::delta::client;
use crate::proto::from_operator::Message as Down;
use crate::proto::{Ack, Fetch, Held, Rejected, Report, Resource, Step, Subscribe};
use crate::{Body, SCHEMA};

fn body(generation: i64) -> Bytes {
    Body::from(proto::Server { generation, ..proto::Server::default() }).encode()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn subscribe(initial: &[(&str, Bytes)]) -> Subscribe {
    let held = |(name, body): &(&str, Bytes)| Held { name: (*name).to_owned(), version: Version::of(body).to_string() };
    let initial = initial.iter().map(held).collect();
    Subscribe { gateway: "gateway-0".to_owned(), schema: SCHEMA, initial, ..Subscribe::default() }
}

fn messages(session: &mut Session, log: &Log) -> (Vec<Step>, Vec<Fetch>) {
    let (mut steps, mut fetches) = (Vec::new(), Vec::new());
    for message in session.poll(log) {
        match message.message {
            Some(Down::Step(step)) => steps.push(step),
            Some(Down::Fetch(fetch)) => fetches.push(fetch),
            other => panic!("unexpected: {other:?}"),
        }
    }
    (steps, fetches)
}

fn step(session: &mut Session, log: &Log) -> Step {
    let (mut steps, _) = messages(session, log);
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

fn ack(session: &mut Session, log: &mut Log, sequence: u64) {
    assert_eq!(session.on_message(Ack { sequence, ..Ack::default() }.into(), log), [Event::Acked(sequence)]);
}

fn resources(step: &Step) -> Vec<&str> {
    step.resources.iter().map(|resource| resource.name.as_str()).collect()
}

fn found(name: &str, body: &Bytes) -> FromGateway {
    Resource { name: name.to_owned(), version: Version::of(body).to_string(), body: body.clone() }.into()
}

#[test]
fn an_initial_step_is_sent_even_if_it_is_empty() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    assert_eq!(step(&mut session, &log), Step { commit: true, ..Step::default() });
    assert!(!session.in_step());
    ack(&mut session, &mut log, 0);
    assert!(session.in_step());
    assert_eq!(session.poll(&log), []);
}

#[test]
fn an_initial_step_holds_only_what_differs() {
    let mut log = Log::new();
    for (index, server) in
        ["Server/a/same", "Server/a/older", "Server/a/new", "Server/a/gone", "Secret/a/revoked"].into_iter().enumerate()
    {
        log.put(name(server), body(i64::try_from(index).unwrap()));
    }
    log.remove(&name("Server/a/gone"));
    log.revoke(&name("Secret/a/revoked"));
    let list =
        ["Server/a/older", "Server/a/gone", "Server/a/unheard-of", "Secret/a/revoked", "Widget/of/another-release"];
    let mut list: Vec<_> = list.map(|name| (name, body(77))).into();
    list.push(("Server/a/same", body(0)));
    let mut session = Session::new(subscribe(&list), &log);
    let step = step(&mut session, &log);
    assert_eq!(resources(&step), ["Server/a/new", "Server/a/older"]);
    assert_eq!(step.removed, ["Widget/of/another-release", "Server/a/gone", "Server/a/unheard-of"]);
    assert_eq!(step.revoked, ["Secret/a/revoked"]);
}

#[test]
fn a_slow_gateway_gets_one_merged_step() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    step(&mut session, &log);
    for generation in 1..=50 {
        log.put(name("Server/a/b"), body(generation));
        log.put(name("Server/a/c"), body(generation));
        assert_eq!(session.poll(&log), [], "one step in flight");
    }
    ack(&mut session, &mut log, 0);
    let merged = step(&mut session, &log);
    assert_eq!((merged.sequence, resources(&merged)), (100, vec!["Server/a/b", "Server/a/c"]));
    assert_eq!(session.acked(), 0);
}

#[test]
fn every_stream_shares_one_body() {
    let mut log = Log::new();
    log.put(name("Server/a/b"), body(1));
    let (_, kept) = log.get(&name("Server/a/b")).unwrap();
    for _ in 0..2 {
        let step = step(&mut Session::new(subscribe(&[]), &log), &log);
        assert_eq!(step.resources[0].body.as_ptr(), kept.as_ptr());
    }
}

#[test]
fn a_gateway_sees_no_other_gateway_s_assignment() {
    let mut log = Log::new();
    log.put(Name::assignment("gateway-0"), body(1));
    log.put(Name::assignment("gateway-1"), body(2));
    let mut session = Session::new(subscribe(&[("Assignment/gateway-1", body(2))]), &log);
    let initial = step(&mut session, &log);
    assert_eq!(
        (resources(&initial), initial.removed.clone()),
        (vec!["Assignment/gateway-0"], vec!["Assignment/gateway-1".to_owned()])
    );
    ack(&mut session, &mut log, 2);
    log.put(Name::assignment("gateway-1"), body(3));
    assert_eq!(session.poll(&log), []);
    assert_eq!(session.acked(), 3, "nothing that concerns this gateway is outstanding");
}

#[test]
fn a_rejection_is_kept_until_the_resource_changes_or_goes() {
    let mut log = Log::new();
    let (bad, good) = (name("Server/a/bad"), name("Server/a/good"));
    log.put(bad.clone(), body(1));
    log.put(good.clone(), body(1));
    let mut session = Session::new(subscribe(&[]), &log);
    step(&mut session, &log);
    let rejected =
        vec![Rejected { name: bad.to_string(), version: Version::of(&body(1)).to_string(), reason: "é".repeat(2000) }];
    assert_eq!(session.on_message(Ack { sequence: 2, rejected }.into(), &mut log), [Event::Acked(2)]);
    assert_eq!(session.rejected().get(&bad), Some(&(Version::of(&body(1)), "é".repeat(512))));
    log.put(good, body(2));
    assert_eq!(resources(&step(&mut session, &log)), ["Server/a/good"], "it is not sent again");
    ack(&mut session, &mut log, 3);
    assert_eq!(session.rejected().len(), 1);
    log.put(bad, body(2));
    assert_eq!(resources(&step(&mut session, &log)), ["Server/a/bad"]);
    ack(&mut session, &mut log, 4);
    assert!(session.rejected().is_empty());
}

#[test]
fn a_hold_brings_the_good_version_to_those_that_lack_it() {
    let mut log = Log::new();
    log.put(name("Policy/a/p"), body(1));
    let mut old = Session::new(subscribe(&[]), &log);
    step(&mut old, &log);
    ack(&mut old, &mut log, 1);
    log.hold(name("Policy/a/p"), vec![name("Route/a/r")]);
    let marked = step(&mut old, &log);
    assert_eq!((resources(&marked), marked.held.len()), (vec![], 1));
    assert_eq!(marked.held[0].version, Version::of(&body(1)).to_string());
    assert_eq!(marked.held[0].dependents, ["Route/a/r"]);
    for list in [&[][..], &[("Policy/a/p", body(9))]] {
        let joined = step(&mut Session::new(subscribe(list), &log), &log);
        assert_eq!((resources(&joined), joined.held.clone()), (vec!["Policy/a/p"], marked.held.clone()));
    }
}

#[test]
fn what_was_removed_and_comes_back_invalid_is_dropped() {
    let mut log = Log::new();
    log.put(name("Policy/a/p"), body(1));
    let mut session = Session::new(subscribe(&[]), &log);
    step(&mut session, &log);
    ack(&mut session, &mut log, 1);
    log.remove(&name("Policy/a/p"));
    log.hold(name("Policy/a/p"), Vec::new());
    let dropped = step(&mut session, &log);
    assert_eq!((dropped.removed, dropped.held.len()), (vec!["Policy/a/p".to_owned()], 1));
    let (steps, fetches) = messages(&mut Session::new(subscribe(&[("Policy/a/p", body(1))]), &log), &log);
    assert_eq!((&steps[0].removed[..], fetches), (&["Policy/a/p".to_owned()][..], vec![]));
}

#[test]
fn a_held_body_is_fetched_from_a_gateway_and_reaches_the_others() {
    let mut log = Log::new();
    log.hold(name("Policy/a/p"), Vec::new());
    let mut other = Session::new(subscribe(&[]), &log);
    step(&mut other, &log);
    ack(&mut other, &mut log, 1);
    let mut session = Session::new(subscribe(&[("Policy/a/p", body(1))]), &log);
    let (steps, fetches) = messages(&mut session, &log);
    assert_eq!((resources(&steps[0]), steps[0].removed.len(), &*steps[0].held[0].version), (vec![], 0, ""));
    assert_eq!(fetches, [Fetch { name: "Policy/a/p".to_owned(), version: Version::of(&body(1)).to_string() }]);
    assert_eq!(session.on_message(found("Policy/a/p", &body(1)), &mut log), [Event::Adopted(name("Policy/a/p"))]);
    assert_eq!(resources(&step(&mut other, &log)), ["Policy/a/p"]);
    ack(&mut session, &mut log, 1);
    assert_eq!(resources(&step(&mut session, &log)), [""; 0], "it has the body: only the mark is renewed");
    ack(&mut session, &mut log, 2);
    log.put(name("Policy/a/p"), body(1));
    assert_eq!(resources(&step(&mut session, &log)), ["Policy/a/p"], "which takes the mark off");
}

#[test]
fn a_hold_ends_with_a_resource_even_for_who_has_its_body() {
    let mut log = Log::new();
    log.hold(name("Policy/a/p"), Vec::new());
    let mut session = Session::new(subscribe(&[("Policy/a/p", body(1))]), &log);
    step(&mut session, &log);
    ack(&mut session, &mut log, 1);
    log.put(name("Policy/a/p"), body(1));
    assert_eq!(resources(&step(&mut session, &log)), ["Policy/a/p"]);
}

#[test]
fn an_expected_catalogue_is_fetched_with_its_chunks_and_not_sent_back() {
    let mut log = Log::new();
    log.expect(name("Catalogue/a/s"));
    let catalogue =
        Body::from(proto::Catalogue { chunks: vec!["Chunk/a/s/0".to_owned()], ..Default::default() }).encode();
    let list = [("Catalogue/a/s", catalogue.clone()), ("Chunk/a/s/0", body(0)), ("Chunk/a/s/1", body(1))];
    let mut session = Session::new(subscribe(&list), &log);
    let (steps, fetches) = messages(&mut session, &log);
    assert_eq!(steps, [Step { sequence: 1, commit: true, ..Step::default() }]);
    assert_eq!(fetches.len(), 3);
    let events: Vec<_> = list.iter().flat_map(|(name, body)| session.on_message(found(name, body), &mut log)).collect();
    assert_eq!(events, [Event::Adopted(name("Catalogue/a/s"))]);
    ack(&mut session, &mut log, 1);
    let rest = step(&mut session, &log);
    assert_eq!(
        (resources(&rest), rest.removed.clone()),
        (vec![], vec!["Chunk/a/s/1".to_owned()]),
        "the catalogue does not list it"
    );
    let mut other = Session::new(subscribe(&[]), &log);
    assert_eq!(resources(&step(&mut other, &log)), ["Catalogue/a/s", "Chunk/a/s/0"]);
}

#[test]
fn answers_that_nobody_asked_for_or_that_are_wrong_are_ignored() {
    let mut log = Log::new();
    log.hold(name("Policy/a/p"), Vec::new());
    let mut session = Session::new(subscribe(&[("Policy/a/p", body(1))]), &log);
    assert_eq!(session.on_message(found("Policy/a/p", &body(1)), &mut log), [], "before the fetch");
    session.poll(&log);
    assert_eq!(session.on_message(found("Policy/a/q", &body(1)), &mut log), []);
    let forged = Resource { name: "Policy/a/p".to_owned(), version: Version::of(&body(1)).to_string(), body: body(2) };
    assert_eq!(session.on_message(forged.into(), &mut log), []);
    assert_eq!(log.get(&name("Policy/a/p")), None);
}

fn reporting(chunks: &[(usize, Bytes)]) -> (client::Session, FromGateway) {
    let mut client = client::Session::new("gateway-0".to_owned(), "default".to_owned(), "0.1.0".to_owned());
    let chunks = chunks.iter().map(|(index, body)| (Name::chunk("a", "s", *index), body.clone())).collect();
    let report = client.report(Report { server: "Server/a/s".to_owned(), ..Report::default() }, chunks);
    (client, report)
}

/// Answers every fetch until there is none; gives the events.
fn converse(session: &mut Session, client: &mut client::Session, log: &mut Log) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let (_, fetches) = messages(session, log);
        if fetches.is_empty() {
            return events;
        }
        assert!(fetches.len() <= crate::limits::FETCHES_IN_FLIGHT);
        for fetch in fetches {
            match client.on_message(fetch.into()) {
                Ok(client::Reaction::Send(found)) => events.extend(session.on_message(found, log)),
                other => panic!("no answer: {other:?}"),
            }
        }
    }
}

#[test]
fn a_report_is_complete_once_the_chunks_that_the_log_lacks_are_fetched() {
    let mut log = Log::new();
    log.put(Name::chunk("a", "s", 0), body(0));
    let mut session = Session::new(subscribe(&[("Chunk/a/s/0", body(0))]), &log);
    let chunks: Vec<_> = (0..20_usize).map(|index| (index, body(index.try_into().unwrap()))).collect();
    let (mut client, report) = reporting(&chunks);
    let Some(Message::Report(told)) = report.message.clone() else { panic!("no report") };
    assert_eq!(session.on_message(report, &mut log), [Event::Report(told.clone())]);
    let events = converse(&mut session, &mut client, &mut log);
    let chunks = chunks.into_iter().map(|(index, body)| (Name::chunk("a", "s", index), body)).collect();
    assert_eq!(events, [Event::ReportComplete { report: told, chunks }]);
}

#[test]
fn a_report_whose_chunks_are_known_is_complete_at_once() {
    let mut log = Log::new();
    log.put(Name::chunk("a", "s", 0), body(0));
    let mut session = Session::new(subscribe(&[]), &log);
    for chunks in [&[][..], &[(0, body(0))]] {
        let (_, report) = reporting(chunks);
        assert!(matches!(session.on_message(report, &mut log)[..], [Event::Report(_), Event::ReportComplete { .. }]));
    }
}

#[test]
fn a_newer_report_replaces_one_that_waits() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    let (_, older) = reporting(&[(0, body(0))]);
    let (mut client, newer) = reporting(&[(0, body(1))]);
    session.on_message(older, &mut log);
    let (_, fetches) = messages(&mut session, &log);
    session.on_message(newer, &mut log);
    // The gateway no longer has the older chunk; that must not void the newer report.
    let Ok(client::Reaction::Send(gone)) = client.on_message(fetches[0].clone().into()) else { panic!("no answer") };
    assert_eq!(session.on_message(gone, &mut log), []);
    let events = converse(&mut session, &mut client, &mut log);
    assert!(matches!(&events[..], [Event::ReportComplete { chunks, .. }] if chunks[0].1 == body(1)), "{events:?}");
}

#[test]
fn reports_over_the_bounds_end_the_stream() {
    let many: Vec<_> = (0..=crate::limits::REPORT_CHUNKS).map(|index| (index, body(1))).collect();
    let (_, report) = reporting(&many);
    let foreign = Held { name: "Chunk/a/other/0".to_owned(), version: Version::of(b"").to_string() };
    let foreign = Report { server: "Server/a/s".to_owned(), chunks: vec![foreign], ..Report::default() };
    let nameless = Report { server: "Route/a/s".to_owned(), ..Report::default() };
    for report in [report, foreign.into(), nameless.into()] {
        let mut log = Log::new();
        let mut session = Session::new(subscribe(&[]), &log);
        assert_eq!(session.on_message(report, &mut log), [Event::Violated(ProtocolError::BadReport)]);
        assert_eq!(session.poll(&log), [], "the session says nothing more");
    }
}

#[test]
fn an_acknowledgement_of_what_is_not_in_flight_ends_the_stream() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    step(&mut session, &log);
    let ack = Ack { sequence: 4, ..Ack::default() };
    assert_eq!(session.on_message(ack.into(), &mut log), [Event::Violated(ProtocolError::UnexpectedAck(4))]);
}

#[test]
fn a_second_subscription_ends_the_stream() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    assert_eq!(session.on_message(subscribe(&[]).into(), &mut log), [Event::Violated(ProtocolError::SubscribedTwice)]);
}

#[test]
fn who_cannot_be_served_is_refused() {
    let log = Log::new();
    let nameless = Subscribe { gateway: String::new(), ..subscribe(&[]) };
    let later = Subscribe { highest_epoch: 1, ..subscribe(&[]) };
    let schemaless = Subscribe { schema: 0, ..subscribe(&[]) };
    for subscribe in [nameless, later, schemaless] {
        let mut session = Session::new(subscribe, &log);
        assert!(matches!(&session.poll(&log)[..], [FromOperator { message: Some(Down::Refused(_)) }]));
        assert_eq!(session.poll(&log), []);
    }
}

#[test]
fn a_session_that_missed_a_tombstone_must_subscribe_again() {
    let mut log = Log::new();
    log.put(name("Server/a/b"), body(1));
    let mut session = Session::new(subscribe(&[]), &log);
    step(&mut session, &log);
    ack(&mut session, &mut log, 1);
    log.remove(&name("Server/a/b"));
    log.forget_tombstones(2);
    assert!(matches!(&session.poll(&log)[..], [FromOperator { message: Some(Down::Refused(_)) }]));
    let again = step(&mut Session::new(subscribe(&[("Server/a/b", body(1))]), &log), &log);
    assert_eq!(again.removed, ["Server/a/b"]);
}

#[test]
fn what_else_a_gateway_says_passes_through() {
    let mut log = Log::new();
    let mut session = Session::new(subscribe(&[]), &log);
    let ended = proto::Ended { sessions: vec![proto::EndedSession { session: Bytes::from_static(b"s"), expires: 9 }] };
    let held = proto::KeysHeld { key_ids: vec!["k1".to_owned()], ..proto::KeysHeld::default() };
    assert_eq!(session.on_message(ended.clone().into(), &mut log), [Event::Ended(ended)]);
    assert_eq!(session.on_message(held.clone().into(), &mut log), [Event::KeysHeld(held)]);
    assert_eq!(session.on_message(proto::Drain {}.into(), &mut log), [Event::Drain]);
    assert_eq!(session.on_message(FromGateway { message: None }, &mut log), [], "a newer release's message");
}

#[test]
fn a_hundred_gateways_are_asked_in_different_orders() {
    let mut log = Log::new();
    let list: Vec<_> = (0..100).map(|index| format!("Catalogue/a/server-{index}")).collect();
    for catalogue in &list {
        log.expect(name(catalogue));
    }
    let list: Vec<_> = list.iter().map(|name| (name.as_str(), body(1))).collect();
    let first = |gateway: &str| {
        let subscribe = Subscribe { gateway: gateway.to_owned(), ..subscribe(&list) };
        messages(&mut Session::new(subscribe, &log), &log).1
    };
    assert_ne!(first("gateway-0"), first("gateway-1"));
}
