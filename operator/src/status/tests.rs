use portolan_config::proto::{Report, ServerFacts as Handshake};
use portolan_crds::{
    Reason,
    reference::ParentReference,
    route::{McpRouteStatus, ServerState},
    server::McpServerStatus,
};

use super::*;
use crate::{
    core::Reached,
    translate::exposure::{Collision, Exposure, Listing, Shown},
};

fn moment(second: i64) -> Moment {
    Moment { generation: Some(1), now: Timestamp::from_second(second).unwrap() }
}

fn programmed(message: &str) -> Vec<Finding> {
    vec![Finding::holds(ConditionType::Programmed, Reason::Programmed, message)]
}

fn facts(reached: &Reached) -> RouteFacts<'_> {
    RouteFacts { fleet: "default", endpoint: None, servers: Vec::new(), reached: Some(reached) }
}

fn everywhere(propagation: i64) -> Reached {
    Reached { acknowledged: 1, total: 1, rejected: None, propagation: Some(propagation) }
}

#[test]
fn a_generation_that_is_programmed_again_is_not_written_again() {
    let first =
        route(&programmed("1/1 gateway pods, 41 ms"), &facts(&everywhere(41)), &McpRouteStatus::default(), moment(10));
    let parent = &first.parents[0];
    assert_eq!(parent.parent_ref, ParentReference::fleet("default"));
    let plane = parent.data_plane.as_ref().unwrap();
    assert_eq!((plane.generation, plane.acknowledged, plane.total), (1, 1, 1));
    assert_eq!(plane.propagation.as_ref().map(portolan_crds::Duration::as_str), Some("41ms"));
    let scaled = Reached { acknowledged: 3, total: 3, ..everywhere(7) };
    let again = route(&programmed("3/3 gateway pods, 7 ms"), &facts(&scaled), &first, moment(20));
    assert_eq!(again, first);
}

#[test]
fn what_nobody_knows_anew_stays_as_it_was_said() {
    let listing = Listing {
        digest: "sha256:ab".into(),
        facts: Some(Handshake { server_name: "notes".into(), ..Handshake::default() }),
        ..Listing::default()
    };
    let report = Report { verified: true, ..Report::default() };
    let known = ServerFacts { report: Some(&report), listing: Some(&listing) };
    let findings: Vec<Finding> = verified(known).into_iter().chain(programmed("1/1 gateway pods")).collect();
    let first = server(&findings, known, &McpServerStatus::default(), moment(10));
    assert_eq!(first.server_info.as_ref().map(|info| info.name.as_str()), Some("notes"));
    let unknown = ServerFacts { report: None, listing: None };
    assert_eq!(server(&[], unknown, &first, moment(20)), first);
}

#[test]
fn a_report_that_failed_is_told_by_its_reason() {
    for (word, reason) in
        [("TimedOut", Reason::TimedOut), ("ListTooLarge", Reason::ProtocolError), ("NoEndpoints", Reason::NoEndpoints)]
    {
        let report = Report { reason: word.into(), message: "m".into(), ..Report::default() };
        let finding = verified(ServerFacts { report: Some(&report), listing: None }).unwrap();
        assert_eq!((finding.status, finding.reason), (portolan_crds::Status::False, reason));
    }
}

#[test]
fn a_server_in_a_route_is_pending_serving_stale_unavailable_or_refused() {
    let shown = |tools, listed| Shown { entry: "a".into(), tools, hidden: 1, listed, rejected: false };
    let state = |view: ServerView| view.known.map(|(tools, _, state)| (tools, state));
    assert_eq!(state(ServerView::of(&shown(0, false), false, None, 100)), None);
    assert_eq!(state(ServerView::of(&shown(0, false), true, None, 100)), Some((0, ServerState::Unavailable)));
    assert_eq!(state(ServerView::of(&shown(3, true), true, None, 100)), Some((3, ServerState::Serving)));
    assert_eq!(state(ServerView::of(&shown(3, true), true, Some(99), 100)), Some((3, ServerState::Stale)));
    assert_eq!(state(ServerView::of(&shown(3, true), true, Some(100), 100)), Some((0, ServerState::Unavailable)));
    let rejected = Shown { rejected: true, ..shown(0, true) };
    assert_eq!(state(ServerView::of(&rejected, true, None, 100)), Some((0, ServerState::Refused)));
    assert_eq!(state(ServerView::refused("a")), Some((0, ServerState::Refused)));
}

#[test]
fn totals_sum_what_the_servers_show() {
    let view = |name: &str, tools| ServerView { name: name.into(), known: Some((tools, 1, ServerState::Serving)) };
    let reached = everywhere(1);
    let facts = RouteFacts { servers: vec![view("a", 2), view("b", 3)], ..facts(&reached) };
    let status = route(&[], &facts, &McpRouteStatus::default(), moment(10));
    assert_eq!(status.totals.map(|totals| (totals.servers, totals.tools)), Some((2, 5)));
}

#[test]
fn a_collision_is_told_with_the_first_tool_and_the_number_of_the_others() {
    let collision = |tool: &str| Collision { tool: tool.into(), kept: "a".into(), dropped: "b".into() };
    let finding =
        collisions(&Exposure { servers: Vec::new(), collisions: vec![collision("get"), collision("put")] }).unwrap();
    assert_eq!((finding.condition, finding.reason), (ConditionType::PartiallyInvalid, Reason::NameConflict));
    assert!(finding.message.contains("tool get of b is left out, a has the name, and 1 more"), "{}", finding.message);
    assert_eq!(collisions(&Exposure::default()), None);
}

#[test]
fn a_transition_is_an_event_and_the_first_unknown_is_none() {
    let at = |finding: Finding| finding.at(Some(1), moment(10).now);
    let good = at(Finding::holds(ConditionType::Verified, Reason::Verified, "v"));
    let bad = at(Finding::fails(ConditionType::Verified, Reason::TimedOut, "t"));
    let pending = at(Finding::unknown(ConditionType::Verified, Reason::Pending, "p"));
    let told = |old: &[Condition], new: &Condition| {
        transitions(old, std::slice::from_ref(new)).map(|one| one.warning).collect::<Vec<_>>()
    };
    assert_eq!(told(std::slice::from_ref(&good), &bad), [true]);
    assert_eq!(told(std::slice::from_ref(&bad), &good), [false]);
    assert!(told(std::slice::from_ref(&good), &good).is_empty());
    assert!(told(&[], &pending).is_empty());
    let partial = at(Finding::holds(ConditionType::PartiallyInvalid, Reason::NameConflict, "n"));
    assert_eq!(told(&[], &partial), [true], "this one is bad when it holds");
}
