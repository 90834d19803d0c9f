use proto::Action::{Allow, Deny};
use serde_json::json;

use super::*;
use crate::policy::facts::CallFacts;
use crate::policy::identity::Identity;
use crate::policy::samples::{call, person, rule};

fn section(default: proto::Action, rules: Vec<proto::Rule>) -> Authorization {
    Authorization::compile(&proto::Authorization { default: default.into(), rules }).unwrap()
}

fn verdict(section: &Authorization, facts: &CallFacts<'_>) -> Option<String> {
    section.denies_call(facts.tool_name, &Known::call(facts, &None)).map(|rule| rule.to_string())
}

fn hidden(section: &Authorization, identity: &Identity, tool: &str) -> bool {
    section.hides(tool, &Known::item(&call(identity, tool).item()))
}

fn alice() -> Identity {
    person("alice", json!({"groups": ["eng"]}))
}

const ENGINEERS: &str = r#""eng" in identity.claims.groups"#;

#[test]
fn a_section_without_default_denies_what_no_rule_allows() {
    let section = section(proto::Action::default(), vec![rule("readers", Allow, ENGINEERS, &["get_*"])]);
    assert_eq!(verdict(&section, &call(&alice(), "get_user")), None);
    assert_eq!(verdict(&section, &call(&alice(), "set_user")).as_deref(), Some("default"));
    assert_eq!(verdict(&section, &call(&person("bob", json!({})), "get_user")).as_deref(), Some("default"));
}

#[test]
fn deny_beats_allow_in_any_order() {
    for swap in [false, true] {
        let mut rules = vec![rule("all", Allow, "", &[]), rule("no-delete", Deny, "", &["delete_*"])];
        if swap {
            rules.reverse();
        }
        let section = section(Allow, rules);
        assert_eq!(verdict(&section, &call(&alice(), "delete_user")).as_deref(), Some("no-delete"));
        assert_eq!(verdict(&section, &call(&alice(), "get_user")), None);
    }
}

#[test]
fn tools_and_when_must_both_match() {
    let section = section(Deny, vec![rule("r", Allow, ENGINEERS, &["get_*", "list"])]);
    for (identity, tool, allowed) in [
        (alice(), "get_x", true),
        (alice(), "list", true),
        (alice(), "listen", false),
        (person("bob", json!({"groups": []})), "list", false),
    ] {
        assert_eq!(verdict(&section, &call(&identity, tool)).is_none(), allowed, "{tool}");
    }
}

#[test]
fn a_deny_that_fails_to_evaluate_denies_and_an_allow_that_fails_does_not_allow() {
    let failing = r#"identity.claims.absent == "x""#;
    let denies = section(Allow, vec![rule("d", Deny, failing, &[])]);
    assert_eq!(verdict(&denies, &call(&alice(), "t")).as_deref(), Some("d"));
    assert!(hidden(&denies, &alice(), "t"));
    let allows = section(Deny, vec![rule("a", Allow, failing, &[])]);
    assert_eq!(verdict(&allows, &call(&alice(), "t")).as_deref(), Some("default"));
    assert!(hidden(&allows, &alice(), "t"));
}

#[test]
fn arguments_are_judged_as_they_were_sent_and_repeated_keys_fail_closed() {
    let no_main = r#"arguments.?branch.orValue("") == "main""#;
    let section = section(Allow, vec![rule("no-main", Deny, no_main, &[])]);
    let alice = alice();
    let with = |arguments: &'static str| CallFacts { arguments: Some(arguments.as_bytes()), ..call(&alice, "t") };
    assert_eq!(verdict(&section, &with(r#"{"branch":"main"}"#)).as_deref(), Some("no-main"));
    assert_eq!(verdict(&section, &with(r#"{"branch":"ma\u0069n"}"#)).as_deref(), Some("no-main"));
    assert_eq!(verdict(&section, &with(r#"{"branch":"dev"}"#)), None);
    assert_eq!(verdict(&section, &call(&alice, "t")), None, "no arguments are empty arguments");
    for hostile in [r#"{"branch":"main","branch":"dev"}"#, r#"{"branch":"dev","branch":"main"}"#, "[]", "{"] {
        assert_eq!(verdict(&section, &with(hostile)).as_deref(), Some("no-main"), "{hostile}");
    }
}

#[test]
fn in_lists_a_deny_that_reads_the_call_is_passed_over_and_such_an_allow_is_possible() {
    for when in [r#"arguments.branch == "main""#, r#"request.method == "x""#, r#"request.headers["a"] == "b""#] {
        let denies = section(Allow, vec![rule("d", Deny, when, &[])]);
        assert!(!hidden(&denies, &alice(), "t"), "{when}");
        let allows = section(Deny, vec![rule("a", Allow, when, &["get_*"])]);
        assert!(!hidden(&allows, &alice(), "get_x"), "{when}");
        assert!(hidden(&allows, &alice(), "set_x"), "the tools of the rule still count");
    }
}

#[test]
fn what_is_hidden_by_identity_or_tool_is_hidden_from_lists() {
    let section = section(
        Deny,
        vec![rule("a", Allow, "tool.annotations.readOnlyHint", &[]), rule("b", Allow, ENGINEERS, &["x_*"])],
    );
    assert!(hidden(&section, &alice(), "y"), "nobody vouches that it only reads");
    assert!(!hidden(&section, &alice(), "x_1"));
    assert!(hidden(&section, &person("bob", json!({})), "x_1"));
}

#[test]
fn whatever_may_be_called_is_visible() {
    let section = section(
        Deny,
        vec![
            rule("a", Allow, ENGINEERS, &["get_*"]),
            rule("b", Allow, r#"arguments.?n.orValue("") == """#, &["set_*"]),
            rule("c", Deny, r#"request.method != "tools/call""#, &[]),
            rule("d", Deny, "", &["*_secret"]),
        ],
    );
    for identity in [alice(), person("bob", json!({}))] {
        for tool in ["get_a", "set_a", "get_secret", "other"] {
            let facts = call(&identity, tool);
            assert!(verdict(&section, &facts).is_some() || !hidden(&section, &identity, tool), "{tool}");
        }
    }
}

#[test]
fn identity_alone_denies_everything_or_nothing() {
    let denies = |section: &Authorization, identity: &Identity| section.denies_identity(&Known::identity(identity));
    let bob = person("bob", json!({"groups": []}));
    let only_engineers = section(Deny, vec![rule("e", Allow, ENGINEERS, &["get_*"])]);
    assert!(denies(&only_engineers, &bob) && !denies(&only_engineers, &alice()));
    let no_bob = section(Allow, vec![rule("b", Deny, r#"identity.subject == "bob""#, &[])]);
    assert!(denies(&no_bob, &bob) && !denies(&no_bob, &alice()));
    let no_bob_here = section(Allow, vec![rule("b", Deny, r#"identity.subject == "bob""#, &["x"])]);
    assert!(!denies(&no_bob_here, &bob), "only of one tool");
    let perhaps = section(Deny, vec![rule("p", Allow, "arguments.open", &[])]);
    assert!(!denies(&perhaps, &bob), "a call could be allowed");
    let nobody = section(Deny, Vec::new());
    assert!(denies(&nobody, &alice()));
    let broken = section(Allow, vec![rule("f", Deny, "identity.claims.absent", &[])]);
    assert!(denies(&broken, &alice()), "it fails to evaluate for every call");
}

#[test]
fn mistakes_name_the_rule_the_field_and_the_place() {
    let compile = |rules| Authorization::compile(&proto::Authorization { default: 0, rules }).map(|_| ()).unwrap_err();
    let error = compile(vec![rule("typo", Allow, "identity.foo == 1", &[])]);
    assert_eq!(
        error,
        "authorization.rules[typo].when: line 1, column 9: `identity` has no member `foo`: it has issuer, subject, claims"
    );
    assert!(compile((0..257).map(|_| rule("r", Allow, "", &[])).collect()).contains("more than 256"));
    let costly = r#"arguments.a.all(x, arguments.b.all(y, x != y && y != "a" && y != "b"))"#;
    assert!(compile((0..9).map(|_| rule("r", Allow, costly, &[])).collect()).contains("together they cost too much"));
    assert!(compile(vec![rule("r", Allow, "", &["x"; 257])]).contains("more than 256 patterns"));
}
