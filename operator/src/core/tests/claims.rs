//! Two policies that want one section of one target, where the edit of one of them is not in force: the section is always somebody's.

use portolan_config::proto::{Policy, Section};

use super::*;

/// A policy of its own age: 1 is older than 2.
fn aged(age: u8, policy: Value) -> Value {
    with(policy, "/metadata/creationTimestamp", json!(format!("2026-01-0{age}T00:00:00Z")))
}

fn edited(policy: Value) -> Value {
    with(policy, "/metadata/generation", json!(2))
}

fn rule(when: &str) -> Value {
    json!({"authorization": {"rules": [{"name": "a", "action": "Allow", "when": when}]}})
}

fn limited() -> Value {
    json!({"limits": {"requestBytes": "1Mi"}})
}

/// What a policy that is in force holds on a route.
fn holds(core: &Core, policy: &str, route: &str) -> Vec<Section> {
    let name: Name = format!("Policy/shop/{policy}").parse().unwrap();
    let Some((_, body)) = core.log.get(&name) else { return Vec::new() };
    let Ok(Body::Policy(Policy { attachments, .. })) = Body::decode(Kind::Policy, &body) else { panic!("no policy") };
    let on = attachments.into_iter().find(|attachment| attachment.target == format!("Route/shop/{route}"));
    on.map(|on| on.sections().collect()).unwrap_or_default()
}

fn two_routes(policies: [Value; 2]) -> Core {
    let [one, other] = policies;
    published(vec![remote("web"), route("r", &["web"]), route("s", &["web"]), one, other])
}

fn edit(core: &mut Core, object: Value) {
    core.apply(read(object), 10);
    core.publish(20);
}

fn delete(core: &mut Core, policy: &str) {
    core.delete(&key(ObjectKind::McpPolicy, policy), 10);
    core.publish(20);
}

#[test]
fn an_edit_that_is_not_in_force_takes_no_section_from_the_policy_that_holds_it() {
    let mut core =
        two_routes([aged(1, policy("older", "r", limited())), aged(2, policy("younger", "r", rule("true")))]);
    assert_eq!(holds(&core, "younger", "r"), [Section::Authorization]);
    edit(&mut core, edited(aged(1, policy("older", "r", rule("nonsense(")))));
    assert_eq!(holds(&core, "older", "r"), [Section::Limits], "its last good version");
    assert_eq!(holds(&core, "younger", "r"), [Section::Authorization]);
}

#[test]
fn a_policy_that_is_held_takes_a_section_over_when_the_older_one_goes() {
    let mut core =
        two_routes([aged(1, policy("older", "r", rule("true"))), aged(2, policy("younger", "r", rule("false")))]);
    assert_eq!(holds(&core, "younger", "r"), []);
    edit(&mut core, edited(aged(2, policy("younger", "r", rule("nonsense(")))));
    assert_eq!(holds(&core, "younger", "r"), []);
    delete(&mut core, "older");
    assert_eq!(
        holds(&core, "younger", "r"),
        [Section::Authorization],
        "its last good version holds what nobody else holds"
    );
}

#[test]
fn a_policy_that_is_held_keeps_what_it_is_on_although_its_edit_names_something_else() {
    let mut core =
        two_routes([aged(1, policy("older", "r", rule("true"))), aged(2, policy("younger", "r", rule("false")))]);
    edit(&mut core, edited(aged(1, policy("older", "s", rule("nonsense(")))));
    assert_eq!(holds(&core, "older", "r"), [Section::Authorization]);
    assert_eq!(holds(&core, "younger", "r"), [], "one section has one holder");
    delete(&mut core, "older");
    assert_eq!(holds(&core, "younger", "r"), [Section::Authorization]);
}

#[test]
fn a_first_version_that_cannot_be_compiled_takes_nothing_and_its_target_is_closed() {
    let mut core =
        two_routes([aged(1, policy("older", "r", rule("nonsense("))), aged(2, policy("younger", "r", rule("true")))]);
    assert_eq!(holds(&core, "younger", "r"), [Section::Authorization]);
    let name: Name = "Policy/shop/older".parse().unwrap();
    let closed: Name = "Route/shop/r".parse().unwrap();
    assert_eq!(core.log.state(&name), Some(&State::Held { good: None, dependents: vec![closed] }));
    edit(&mut core, edited(aged(1, policy("older", "r", rule("true")))));
    assert_eq!((holds(&core, "older", "r"), holds(&core, "younger", "r")), (vec![Section::Authorization], vec![]));
}

#[test]
fn a_last_good_version_that_a_gateway_kept_holds_its_sections_again() {
    let policies =
        |older: &str| [aged(1, policy("older", "r", rule(older))), aged(2, policy("younger", "r", rule("false")))];
    let mut first = two_routes(policies("true"));
    let mut gateway = Gateway::connect(&mut first, "gw");
    gateway.settle(&mut first, 5);
    let mut second = two_routes(policies("nonsense("));
    assert_eq!(holds(&second, "younger", "r"), [Section::Authorization], "nobody knows of a good version yet");
    gateway.reconnect(&mut second);
    gateway.settle(&mut second, 10);
    second.publish(20);
    assert_eq!(holds(&second, "older", "r"), [Section::Authorization]);
    assert_eq!(holds(&second, "younger", "r"), []);
}
