//! Edits that are not in force: what goes on, and what is said of it.

use super::*;

#[test]
fn an_invalid_edit_leaves_the_last_good_version_in_force() {
    let good = policy(
        "p",
        "r",
        json!({"authorization": {"rules": [{"name": "a", "action": "Allow", "when": "true || tool.name == \"x\""}]}}),
    );
    let mut core = published(vec![remote("web"), route("r", &["web"]), good.clone()]);
    let before = core.log.get(&"Policy/shop/p".parse().unwrap()).unwrap().0;
    core.apply(
        read(with(
            with(good, "/spec/authorization/rules/0/when", json!("nonsense(")),
            "/metadata/generation",
            json!(2),
        )),
        10,
    );
    core.publish(20);
    let name: Name = "Policy/shop/p".parse().unwrap();
    assert!(matches!(core.log.state(&name), Some(State::Held { .. })));
    assert_eq!(core.log.get(&name).unwrap().0, before);
    let accepted = finding(&core, ObjectKind::McpPolicy, "p", ConditionType::Accepted).unwrap();
    assert_eq!((accepted.0, accepted.1), (Status::False, Reason::InvalidExpression));
    assert_eq!(
        programmed(&core, ObjectKind::McpPolicy, "p").2,
        "InvalidExpression: the last good version stays in force"
    );
}

#[test]
fn a_target_that_an_invalid_edit_adds_is_told_that_nothing_is_in_force_on_it() {
    let sections = |when: &str| json!({"authorization": {"rules": [{"name": "a", "action": "Allow", "when": when}]}});
    let mut core = published(vec![remote("web"), route("r", &["web"]), policy("p", "r", sections("true"))]);
    Gateway::connect(&mut core, "gw").settle(&mut core, 5);
    let both = json!([{"kind": "McpRoute", "name": "r"}, {"kind": "McpRoute", "name": "s"}]);
    let bad = with(policy("p", "r", sections("nonsense(")), "/spec/targetRefs", both);
    core.apply(read(with(bad, "/metadata/generation", json!(2))), 10);
    core.publish(20);
    let told = |target: &str| {
        let all = core.conditions();
        let of = all.into_iter().find(|status| status.target == Some(key(ObjectKind::McpRoute, target))).unwrap();
        of.findings.into_iter().find(|finding| finding.condition == ConditionType::Programmed).unwrap().message
    };
    assert_eq!(told("r"), "InvalidExpression: the last good version stays in force");
    assert_eq!(told("s"), "InvalidExpression: no version of it is in force");
}

#[test]
fn a_restarted_operator_gets_the_last_good_version_of_a_bad_edit_from_a_gateway_and_gives_it_to_the_others() {
    let sections = |when: &str| json!({"authorization": {"rules": [{"name": "a", "action": "Allow", "when": when}]}});
    let objects = |policy: Value| vec![remote("web"), route("r", &["web"]), policy];
    let good = policy("p", "r", sections("true"));
    let bad = with(policy("p", "r", sections("nonsense(")), "/metadata/generation", json!(2));
    let mut first = published(objects(good));
    let mut old = Gateway::connect(&mut first, "old");
    old.settle(&mut first, 5);
    let name: Name = "Policy/shop/p".parse().unwrap();
    let version = first.log.get(&name).unwrap().0;
    first.apply(read(bad.clone()), 6);
    first.publish(7);
    old.settle(&mut first, 8);
    let mut stored = bad;
    stored["status"] = updates(&mut first, 9).into_iter().find(|(object, _)| object == "McpPolicy shop/p").unwrap().1;

    let mut second = published(objects(stored));
    assert!(first.log.get(&name).is_some() && second.log.get(&name).is_none());
    assert!(updates(&mut second, 10).iter().all(|(object, _)| object != "McpPolicy shop/p"), "nothing new is known");
    old.reconnect(&mut second);
    old.settle(&mut second, 20);
    assert_eq!(second.log.get(&name).map(|(version, _)| version), Some(version));
    let held = "InvalidExpression: the last good version stays in force";
    assert_eq!(programmed(&second, ObjectKind::McpPolicy, "p").2, held);
    assert!(second.due.contains(&key(ObjectKind::McpPolicy, "p")), "what status says of it may be otherwise now");
    let mut new = Gateway::connect(&mut second, "new");
    new.settle(&mut second, 30);
    assert!(new.has("Policy/shop/p"));
}

#[test]
fn a_policy_that_names_nothing_legible_is_told_on_itself() {
    let mut core = published(vec![with(policy("p", "r", json!({})), "/spec/targetRefs", json!("all"))]);
    let written = updates(&mut core, 1000);
    let ancestor = &written.iter().find(|(object, _)| object == "McpPolicy shop/p").unwrap().1["ancestors"][0];
    assert_eq!(ancestor["ancestorRef"], json!({"group": "portolan.dev", "kind": "McpPolicy", "name": "p"}));
    let accepted = &ancestor["conditions"][0];
    assert_eq!((&accepted["type"], &accepted["reason"]), (&json!("Accepted"), &json!("Invalid")));
    assert!(accepted["message"].to_string().contains("spec.targetRefs"), "{accepted}");
}
