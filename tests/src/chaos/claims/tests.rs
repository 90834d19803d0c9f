use super::super::ledger::{Place, Record};
use super::*;

/// Two tenants with a server each, and a good call of each.
fn ledgers() -> Ledgers {
    let mut ledgers = Ledgers {
        tenants: vec!["blue".to_owned(), "green".to_owned()],
        servers: vec![Place { name: "alpha".to_owned(), tenant: 0 }, Place { name: "beta".to_owned(), tenant: 1 }],
        ..Ledgers::default()
    };
    add(&mut ledgers, call(1, 0, Outcome::Success), true);
    add(&mut ledgers, call(2, 1, Outcome::Success), true);
    ledgers
}

fn call(id: u64, tenant: usize, outcome: Outcome) -> Call {
    let (began, ended) = (seconds(id), seconds(id) + Duration::from_millis(20));
    let client = format!("client of {tenant}");
    Call { id, client, principal: tenant, route: tenant, gateway: 0, asked: Asked::Call(tenant), began, ended, outcome }
}

fn seconds(count: u64) -> Time {
    Duration::from_secs(count)
}

/// Enters a call in the clients' and the gateways' ledgers, and in the server's if it ran.
fn add(ledgers: &mut Ledgers, call: Call, runs: bool) {
    let (status, verdict, code) = match &call.outcome {
        Outcome::Refused { status, code, .. } => (*status, "deny", *code),
        _ => (200, "allow", None),
    };
    let route = Some(format!("{}/eng", ledgers.tenants[call.route]));
    let record = Record { route, verdict: verdict.to_owned(), status, code, ..Record::default() };
    ledgers.lines.push(Line { gateway: call.gateway, id: call.id, record });
    if runs {
        ledgers.runs.push(Run { id: call.id, trace: call.id, server: call.route, at: call.began });
    }
    ledgers.begun += 1;
    ledgers.calls.push(call);
}

fn refused() -> Outcome {
    Outcome::Refused { status: 403, code: None, text: String::new() }
}

fn happened(what: What, began: u64, ended: u64) -> Happened {
    Happened { what, began: seconds(began), ended: seconds(ended) }
}

/// The claims that do not hold, each with its first offence.
fn broken(ledgers: &Ledgers) -> Vec<(&'static str, String)> {
    claims(ledgers)
        .into_iter()
        .filter(|claim| !claim.holds())
        .map(|claim| (claim.what, claim.offences[0].clone()))
        .collect()
}

#[track_caller]
fn only(ledgers: &Ledgers, claim: &str, why: &str) {
    let broken = broken(ledgers);
    assert_eq!(broken.iter().map(|(what, _)| *what).collect::<Vec<_>>(), [claim], "{broken:?}");
    assert!(broken[0].1.contains(why), "{}", broken[0].1);
}

#[test]
fn good_ledgers_contradict_nothing() {
    let mut ledgers = ledgers();
    add(&mut ledgers, call(3, 0, refused()), false);
    add(&mut ledgers, Call { route: 1, ..call(4, 0, refused()) }, false);
    assert_eq!(broken(&ledgers), []);
}

#[test]
fn a_call_that_ran_twice_is_found_with_what_every_ledger_says() {
    let mut ledgers = ledgers();
    ledgers.runs.push(Run { at: seconds(9), ..ledgers.runs[0] });
    ledgers.faults.push(happened(What::Server(0, Mood::Resets), 1, 2));
    only(&ledgers, "no call runs twice", "it ran 2 times");
    let told = &broken(&ledgers)[0].1;
    for part in ["call 1 of client of 0", "audit of gateway-0: allow 200", "ran on alpha at 9.000s", "server 0 Resets"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_call_that_never_ended_is_found() {
    let mut ledgers = ledgers();
    ledgers.begun += 1;
    only(&ledgers, "every call has an answer of its own or an error", "3 calls were begun and 2 ended");
}

#[test]
fn an_answer_to_another_call_is_found() {
    let mut ledgers = ledgers();
    ledgers.calls[0].outcome = Outcome::Wrong("alpha 2".to_owned());
    only(&ledgers, "every call has an answer of its own or an error", "none to this call");
}

#[test]
fn a_success_that_never_ran_is_found() {
    let mut ledgers = ledgers();
    ledgers.runs.remove(0);
    only(&ledgers, "a call that succeeded ran, on the server that it named", "never ran");
}

#[test]
fn a_refused_call_that_ran_is_found() {
    let mut ledgers = ledgers();
    add(&mut ledgers, call(3, 0, refused()), true);
    only(&ledgers, "what a gateway refused never ran", "it ran all the same");
}

#[test]
fn a_call_that_ran_in_another_tenant_is_found() {
    let mut ledgers = ledgers();
    ledgers.runs[0].server = 1;
    let found = broken(&ledgers);
    assert!(found.iter().any(|(what, why)| what.contains("another tenant") && why.contains("ran in another tenant")));

    // A trespasser who gets in where he must not, although the server is the right one of its route.
    let mut ledgers = self::ledgers();
    add(&mut ledgers, Call { route: 1, asked: Asked::Call(1), ..call(3, 0, Outcome::Success) }, true);
    only(&ledgers, "nobody reaches a server of another tenant", "ran in another tenant");

    // One who is answered, whoever did it.
    let mut ledgers = self::ledgers();
    let failed = Outcome::Failed("server green/beta did not answer: no endpoint is ready".to_owned());
    add(&mut ledgers, Call { route: 1, ..call(3, 0, failed) }, false);
    only(&ledgers, "nobody reaches a server of another tenant", "it was answered");
}

#[test]
fn a_line_is_missed_unless_its_gateway_was_killed_before_it_was_written() {
    let claim = "a call that a gateway took has one audit line";
    let mut ledgers = ledgers();
    ledgers.lines.remove(0);
    only(&ledgers, claim, "it has none");
    ledgers.faults.push(happened(What::Gateway(0, Harm::Killed), 2, 3));
    assert_eq!(broken(&ledgers), []);
    for other in [What::Gateway(1, Harm::Killed), What::Gateway(0, Harm::Terminated)] {
        ledgers.faults = vec![happened(other, 2, 3)];
        only(&ledgers, claim, "it has none");
    }
    ledgers.faults = vec![happened(What::Gateway(0, Harm::Killed), 5, 6)];
    only(&ledgers, claim, "it has none");
}

#[test]
fn a_call_with_two_lines_is_found_although_its_gateway_was_killed() {
    let mut ledgers = ledgers();
    let twin = ledgers.lines[0].clone();
    ledgers.lines.push(twin);
    ledgers.faults.push(happened(What::Gateway(0, Harm::Killed), 1, 2));
    only(&ledgers, "a call that a gateway took has one audit line", "several lines");
}

#[test]
fn a_line_that_says_something_else_than_the_client_saw_is_found() {
    let claim = "the audit line says what the client saw";
    let mut wrong_status = ledgers();
    add(&mut wrong_status, call(3, 0, refused()), false);
    wrong_status.lines[2].record.status = 200;
    only(&wrong_status, claim, "another status");
    let mut wrong_route = ledgers();
    wrong_route.lines[0].record.route = Some("green/eng".to_owned());
    only(&wrong_route, claim, "another route");
}

#[test]
fn silence_needs_somebody_who_stood_still() {
    let mut ledgers = ledgers();
    ledgers.calls[0].outcome = Outcome::Silence;
    let claim = "who hears nothing called somebody who could not speak";
    only(&ledgers, claim, "stood still");
    for bystander in [What::Gateway(1, Harm::Paused), What::Server(1, Mood::Hangs), What::Server(0, Mood::Resets)] {
        ledgers.faults = vec![happened(bystander, 0, 5)];
        only(&ledgers, claim, "stood still");
    }
    for cause in [What::Gateway(0, Harm::Paused), What::Server(0, Mood::Hangs)] {
        ledgers.faults = vec![happened(cause, 0, 5)];
        assert_eq!(broken(&ledgers), []);
    }
}

#[test]
fn a_run_or_a_line_of_nobody_is_found() {
    let claim = "every audit line and every run is of a call that a client made";
    let mut run = ledgers();
    run.runs.push(Run { id: 99, trace: 99, server: 0, at: seconds(1) });
    only(&run, claim, "nobody's call ran");
    let mut trace = ledgers();
    trace.runs[0].trace = 2;
    only(&trace, claim, "another's trace");
    let mut torn = ledgers();
    torn.strange.push("{\"tra".to_owned());
    only(&torn, claim, "not a whole line");
}

#[test]
fn a_connection_breaks_only_where_its_gateway_was_ended() {
    let claim = "who finds no connection, or a broken one, called a gateway that was ended";
    let mut ledgers = ledgers();
    ledgers.calls[0].outcome = Outcome::Broken("reset".to_owned());
    only(&ledgers, claim, "nobody ended its gateway");
    for other in [What::Gateway(0, Harm::Paused), What::Gateway(1, Harm::Killed)] {
        ledgers.faults = vec![happened(other, 0, 5)];
        only(&ledgers, claim, "nobody ended its gateway");
    }
    ledgers.faults = vec![happened(What::Gateway(0, Harm::Terminated), 0, 5)];
    assert_eq!(broken(&ledgers), []);
}

#[test]
fn a_server_is_said_not_to_answer_only_where_it_did_not() {
    let claim = "who is told that a server does not answer called one that did not";
    let mut ledgers = ledgers();
    ledgers.calls[0].outcome =
        Outcome::Failed("server blue/alpha did not answer: the connection was closed".to_owned());
    only(&ledgers, claim, "nothing was done to its server");
    ledgers.faults = vec![happened(What::Server(1, Mood::Resets), 0, 5)];
    only(&ledgers, claim, "nothing was done to its server");
    ledgers.faults = vec![happened(What::Server(0, Mood::Resets), 0, 5)];
    assert_eq!(broken(&ledgers), []);
}
