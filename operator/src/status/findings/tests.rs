use portolan_crds::Status;

use super::*;
use crate::{fixtures::key, object::ObjectKind, translate::Problems};

fn standing(reached: &Reached) -> Standing<'_> {
    Standing { reached, in_force: true, brief_absence: false, was_programmed: false }
}

fn reached(acknowledged: usize, total: usize) -> Reached {
    Reached { acknowledged, total, ..Reached::default() }
}

fn accepted() -> Finding {
    Finding::holds(ConditionType::Accepted, Reason::Accepted, "in use")
}

fn told(reached: &Reached) -> (Status, Reason, String) {
    let finding = programmed(&accepted(), standing(reached)).unwrap();
    (finding.status, finding.reason, finding.message)
}

#[test]
fn programmed_counts_pods_and_tells_the_time() {
    let everywhere = Reached { propagation: Some(41), ..reached(3, 3) };
    assert_eq!(told(&everywhere), (Status::True, Reason::Programmed, "3/3 gateway pods, 41 ms".into()));
    assert_eq!(told(&reached(1, 3)), (Status::False, Reason::Pending, "1/3 gateway pods".into()));
    assert_eq!(told(&reached(0, 0)), (Status::Unknown, Reason::NoGateways, "no gateway is connected".into()));
}

#[test]
fn a_rejection_is_told_in_the_gateways_words() {
    let refused = Reached { rejected: Some(("gw-1".into(), "bad rule".into())), ..reached(1, 2) };
    assert_eq!(told(&refused), (Status::False, Reason::Rejected, "1/2 gateway pods; gw-1: bad rule".into()));
}

#[test]
fn a_refused_edit_is_held_and_says_what_is_in_force() {
    let refused = Finding::fails(ConditionType::Accepted, Reason::InvalidExpression, "x");
    let nowhere = reached(0, 1);
    let held = programmed(&refused, standing(&nowhere)).unwrap();
    assert_eq!((held.status, held.reason), (Status::False, Reason::Held));
    assert_eq!(held.message, "InvalidExpression: the last good version stays in force");
    let none = programmed(&refused, Standing { in_force: false, ..standing(&nowhere) }).unwrap();
    assert_eq!(none.message, "InvalidExpression: no version of it is in force");
}

#[test]
fn a_generation_that_was_programmed_stays_so_while_pods_join_or_restart() {
    let joining = reached(1, 2);
    assert_eq!(programmed(&accepted(), Standing { was_programmed: true, ..standing(&joining) }), None);
    let away = reached(0, 0);
    let brief = Standing { was_programmed: true, brief_absence: true, ..standing(&away) };
    assert_eq!(programmed(&accepted(), brief), None);
    let gone = programmed(&accepted(), Standing { brief_absence: false, ..brief }).unwrap();
    assert_eq!(gone.reason, Reason::NoGateways);
}

#[test]
fn problems_become_the_condition_of_their_effect() {
    let mut problems = Problems::of(key(ObjectKind::McpRoute, "r"));
    problems.add(Reason::BackendNotFound, "spec.servers[0]", "there is none", "create it");
    problems.add(Reason::RefNotPermitted, "spec.servers[1]", "elsewhere", "");
    problems.add(Reason::NoAuthentication, "", "nobody may call", "");
    let found = of_problems(&problems.found, None);
    assert_eq!(found[0].status, Status::True);
    assert_eq!((found[1].status, found[1].reason), (Status::False, Reason::BackendNotFound));
    assert_eq!(found[1].message, "spec.servers[0]: there is none; create it. spec.servers[1]: elsewhere");
    assert_eq!((found[2].condition, found[2].status), (ConditionType::PartiallyInvalid, Status::True));
}

#[test]
fn a_problem_of_one_target_is_not_told_of_another() {
    let mut problems = Problems::of(key(ObjectKind::McpPolicy, "p"));
    let (a, b) = (key(ObjectKind::McpRoute, "a"), key(ObjectKind::McpRoute, "b"));
    problems.add(Reason::TargetNotFound, "spec.targetRefs[0]", "there is no a", "").target = Some(a.clone());
    assert_eq!(of_problems(&problems.found, Some(&a))[0].reason, Reason::TargetNotFound);
    assert_eq!(of_problems(&problems.found, Some(&b))[0].reason, Reason::Accepted);
}

#[test]
fn an_object_that_no_policy_names_has_no_condition_for_it() {
    assert_eq!(affected(std::iter::empty()), None);
    let keys = [Key::new("shop", "a"), Key::new("shop", "b")];
    assert_eq!(affected(keys.iter()).unwrap().message, "by McpPolicy a, b");
}
