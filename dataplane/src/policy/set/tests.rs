use proto::Action::{Allow, Deny};
use proto::Section;
use serde_json::json;

use super::*;
use crate::policy::samples::{call, person, rule, section as jwt};

const SECOND: u64 = 1_000_000_000;
const ALL: [Section; 4] = [Section::Authentication, Section::Authorization, Section::RateLimits, Section::Limits];

fn target(name: &str) -> Name {
    name.parse().unwrap()
}

fn policy(rules: Vec<proto::Rule>, default: proto::Action) -> proto::Policy {
    proto::Policy { authorization: Some(proto::Authorization { default: default.into(), rules }), ..Default::default() }
}

fn limited(limits: Vec<proto::RateLimit>) -> proto::Policy {
    proto::Policy { rate_limits: limits, ..Default::default() }
}

fn limit(name: &str, key: &[&str], requests: u64) -> proto::RateLimit {
    let key = key.iter().map(|&path| path.to_owned()).collect();
    proto::RateLimit { name: name.into(), key, requests, window_ms: 60_000, burst: 0 }
}

fn compile_on(route: &str, policies: &[(&str, &proto::Policy)]) -> Result<PolicySet, String> {
    let names: Vec<Name> = policies.iter().map(|(name, _)| target(name)).collect();
    let attached: Vec<Attached<'_>> =
        names.iter().zip(policies).map(|(name, (_, policy))| Attached { name, policy, sections: &ALL }).collect();
    PolicySet::compile(&target(route), &attached)
}

fn set(policy: &proto::Policy) -> PolicySet {
    compile_on("Route/platform/eng", &[("Policy/platform/baseline", policy)]).unwrap()
}

#[test]
fn without_an_authorization_section_everything_is_allowed() {
    let alice = person("alice", json!({}));
    let set = set(&proto::Policy::default());
    assert_eq!(set.judge(&call(&alice, "t")).verdict, Verdict::Allow);
    assert!(set.visible(&call(&alice, "t").item()));
    assert_eq!(set.denies_endpoint(&alice), None);
    assert_eq!(set.limit(&call(&alice, "t"), &Limiter::default(), 1, 0), Limiting::default());
}

#[test]
fn only_sections_that_hold_on_the_target_are_taken() {
    let mut policy = policy(Vec::new(), Deny);
    policy.limits = Some(proto::Limits { request_bytes: 10, response_bytes: 0 });
    let name = target("Policy/platform/baseline");
    let attached = [Attached { name: &name, policy: &policy, sections: &[Section::Limits] }];
    let set = PolicySet::compile(&target("Route/platform/eng"), &attached).unwrap();
    assert_eq!(set.judge(&call(&person("alice", json!({})), "t")).verdict, Verdict::Allow);
    assert_eq!((set.request_bytes(), set.response_bytes()), (Some(10), None));
}

#[test]
fn a_denial_names_policy_and_rule() {
    let set = set(&policy(vec![rule("no-prod", Deny, "", &["gh_*"])], Allow));
    let alice = person("alice", json!({}));
    let verdict = set.judge(&call(&alice, "gh_x")).verdict;
    assert_eq!(verdict, Verdict::Deny { policy: "platform/baseline".into(), rule: "no-prod".into() });
}

#[test]
fn every_policy_must_allow() {
    let readers = policy(vec![rule("r", Allow, "", &["get_*"])], Deny);
    let no_secrets = policy(vec![rule("s", Deny, "", &["*_secret"])], Allow);
    let set = compile_on("Route/p/r", &[("Policy/p/a", &readers), ("Policy/p/b", &no_secrets)]).unwrap();
    let alice = person("alice", json!({}));
    for (tool, allowed) in [("get_x", true), ("get_secret", false), ("set_x", false)] {
        assert_eq!(set.judge(&call(&alice, tool)).verdict == Verdict::Allow, allowed, "{tool}");
        assert_eq!(set.visible(&call(&alice, tool).item()), allowed, "{tool}");
    }
}

#[test]
fn audit_reports_and_does_not_block() {
    let mut audited = policy(Vec::new(), Deny);
    audited.mode = proto::Mode::Audit.into();
    audited.rate_limits = vec![limit("one", &[], 1)];
    audited.limits = Some(proto::Limits { request_bytes: 5, response_bytes: 6 });
    let set = set(&audited);
    let alice = person("alice", json!({}));
    let judgement = set.judge(&call(&alice, "t"));
    assert_eq!(judgement.verdict, Verdict::Allow);
    assert_eq!(judgement.would_deny, Some(("platform/baseline".into(), "default".into())));
    assert!(set.visible(&call(&alice, "t").item()));
    assert_eq!(set.denies_endpoint(&alice), None);
    let limiter = Limiter::default();
    assert_eq!(set.limit(&call(&alice, "t"), &limiter, 1, 0).would_limit, None);
    let second = set.limit(&call(&alice, "t"), &limiter, 1, 0);
    assert_eq!((second.limited, second.would_limit), (None, Some(("platform/baseline".into(), "one".into()))));
    assert_eq!(set.request_bytes(), Some(5), "limits hold whatever the mode");
}

#[test]
fn an_enforced_policy_denies_beside_an_audited_one() {
    let mut audited = policy(Vec::new(), Deny);
    audited.mode = proto::Mode::Audit.into();
    let enforced = policy(vec![rule("no", Deny, "", &[])], Allow);
    let set = compile_on("Route/p/r", &[("Policy/p/audited", &audited), ("Policy/p/enforced", &enforced)]).unwrap();
    let judgement = set.judge(&call(&person("alice", json!({})), "t"));
    assert_eq!(judgement.verdict, Verdict::Deny { policy: "p/enforced".into(), rule: "no".into() });
    assert_eq!(judgement.would_deny, Some(("p/audited".into(), "default".into())));
}

#[test]
fn the_endpoint_is_denied_to_whom_no_rule_could_allow_anything() {
    let set = set(&policy(vec![rule("eng", Allow, r#""eng" in identity.claims.groups"#, &["get_*"])], Deny));
    assert_eq!(set.denies_endpoint(&person("bob", json!({"groups": []}))).as_deref(), Some("platform/baseline"));
    assert_eq!(set.denies_endpoint(&person("alice", json!({"groups": ["eng"]}))), None);
}

#[test]
fn a_call_over_the_limit_is_told_when_to_come_back() {
    let set = set(&limited(vec![limit("per-user", &["identity.subject"], 2)]));
    let (limiter, alice, bob) = (Limiter::default(), person("alice", json!({})), person("bob", json!({})));
    for _ in 0..2 {
        assert_eq!(set.limit(&call(&alice, "t"), &limiter, 1, 0).limited, None);
    }
    let refused = set.limit(&call(&alice, "t"), &limiter, 1, 0).limited.unwrap();
    assert_eq!((&*refused.policy, &*refused.name), ("platform/baseline", "per-user"));
    assert_eq!(refused.retry_after, std::time::Duration::from_secs(30));
    assert_eq!(set.limit(&call(&bob, "t"), &limiter, 1, 0).limited, None);
    assert_eq!(set.limit(&call(&alice, "t"), &limiter, 1, 30 * SECOND).limited, None);
}

#[test]
fn each_pod_enforces_its_share() {
    let set = set(&limited(vec![limit("all", &[], 10)]));
    let (limiter, alice) = (Limiter::default(), person("alice", json!({})));
    let passed = (0..20).filter(|_| set.limit(&call(&alice, "t"), &limiter, 4, 0).limited.is_none()).count();
    assert_eq!(passed, 3);
}

#[test]
fn issuers_targets_policies_and_names_never_share_a_count() {
    let one = limited(vec![limit("one", &["identity.subject"], 1)]);
    let other_name = limited(vec![limit("other", &["identity.subject"], 1)]);
    let limiter = Limiter::default();
    let alice = person("alice", json!({}));
    let sets = [
        compile_on("Route/a/r", &[("Policy/a/p", &one)]).unwrap(),
        compile_on("Route/b/r", &[("Policy/a/p", &one)]).unwrap(),
        compile_on("Server/a/r", &[("Policy/a/p", &one)]).unwrap(),
        compile_on("Route/a/r", &[("Policy/a/q", &one)]).unwrap(),
        compile_on("Route/a/r", &[("Policy/a/p", &other_name)]).unwrap(),
    ];
    for set in &sets {
        assert_eq!(set.limit(&call(&alice, "t"), &limiter, 1, 0).limited, None);
        assert!(set.limit(&call(&alice, "t"), &limiter, 1, 0).limited.is_some());
    }
    let same_name_elsewhere = Identity::new("https://other.example", "alice", json!({}), None);
    assert_eq!(sets[0].limit(&call(&same_name_elsewhere, "t"), &limiter, 1, 0).limited, None);

    let teams = set(&limited(vec![limit("team", &["identity.claims.team"], 1)]));
    let core = |issuer: &str, subject: &str| Identity::new(issuer, subject, json!({"team": "core"}), None);
    assert_eq!(teams.limit(&call(&core("https://a", "alice"), "t"), &limiter, 1, 0).limited, None);
    assert!(teams.limit(&call(&core("https://a", "bob"), "t"), &limiter, 1, 0).limited.is_some(), "a team shares");
    assert_eq!(
        teams.limit(&call(&core("https://b", "alice"), "t"), &limiter, 1, 0).limited,
        None,
        "two issuers' teams do not"
    );
}

#[test]
fn retries_of_one_principal_do_not_use_up_what_others_share() {
    let both = limited(vec![limit("team", &[], 3), limit("per-user", &["identity.subject"], 1)]);
    let set = set(&both);
    let (limiter, alice) = (Limiter::default(), person("alice", json!({})));
    assert_eq!(set.limit(&call(&alice, "t"), &limiter, 1, 0).limited, None);
    for _ in 0..10 {
        assert_eq!(&*set.limit(&call(&alice, "t"), &limiter, 1, 0).limited.unwrap().name, "per-user");
    }
    for other in ["bob", "carol"] {
        assert_eq!(set.limit(&call(&person(other, json!({})), "t"), &limiter, 1, 0).limited, None, "{other}");
    }
}

#[test]
fn limits_count_by_tool_and_argument() {
    let set = set(&limited(vec![limit("l", &["tool.name", "arguments.region"], 1)]));
    let (limiter, alice) = (Limiter::default(), person("alice", json!({})));
    let with = |tool: &'static str, arguments: &'static str| CallFacts {
        arguments: Some(arguments.as_bytes()),
        ..call(&alice, tool)
    };
    let passes = |facts: &CallFacts<'_>| set.limit(facts, &limiter, 1, 0).limited.is_none();
    assert!(set.needs_arguments());
    assert!(passes(&with("a", r#"{"region":"eu"}"#)) && !passes(&with("a", r#"{"region":"eu"}"#)));
    assert!(
        passes(&with("a", r#"{"region":"us"}"#))
            && passes(&with("b", r#"{"region":"eu"}"#))
            && passes(&call(&alice, "a"))
    );
}

#[test]
fn only_the_arguments_that_rules_and_keys_name_are_read() {
    let mut both = policy(vec![rule("d", Deny, r#"arguments.?branch.orValue("") == "main""#, &[])], Allow);
    both.rate_limits = vec![limit("l", &["arguments.region"], 1)];
    let named = set(&both);
    assert_eq!(named.arguments, Some(["branch".to_owned(), "region".to_owned()].into()));
    let alice = person("alice", json!({}));
    let bulk = format!(r#"{{"content":[{}],"branch":"dev"}}"#, vec!["1"; 100_000].join(","));
    let facts = CallFacts { arguments: Some(bulk.as_bytes()), ..call(&alice, "t") };
    assert_eq!(named.judge(&facts).verdict, Verdict::Allow);
    assert_eq!(set(&policy(Vec::new(), Allow)).arguments, Some(BTreeSet::new()));
    assert!(!set(&proto::Policy::default()).needs_arguments() && !PolicySet::default().needs_arguments());
    assert!(set(&policy(vec![rule("d", Deny, "size(arguments) > 3", &[])], Allow)).needs_arguments());
}

#[test]
fn the_key_of_a_view_depends_on_what_the_rules_read_of_an_identity_and_nothing_else() {
    let by_group = set(&policy(vec![rule("e", Allow, r#""eng" in identity.claims.groups"#, &[])], Deny));
    let key = |set: &PolicySet, subject: &str, claims| set.visibility_key(&person(subject, claims));
    let eng = || json!({"groups": ["eng"], "jti": "1"});
    assert_eq!(key(&by_group, "alice", eng()), key(&by_group, "bob", json!({"groups": ["eng"], "jti": "2"})));
    assert_ne!(key(&by_group, "alice", eng()), key(&by_group, "alice", json!({"groups": ["ops"]})));
    assert_ne!(key(&by_group, "alice", json!({})), key(&by_group, "alice", json!({"groups": null})));

    let by_subject = set(&policy(vec![rule("e", Allow, r#"identity.subject == "alice""#, &[])], Deny));
    assert_ne!(key(&by_subject, "alice", eng()), key(&by_subject, "bob", eng()));
    let by_any = set(&policy(vec![rule("e", Allow, "size(identity.claims) > 1", &[])], Deny));
    assert_ne!(key(&by_any, "alice", eng()), key(&by_any, "alice", json!({})));
    let by_tool = set(&policy(vec![rule("e", Allow, "", &["get_*"])], Deny));
    assert_eq!(key(&by_tool, "alice", eng()), key(&by_tool, "bob", json!({})));
}

#[test]
fn a_policy_is_checked_without_its_secrets_and_its_mistakes_name_the_field() {
    let mut good = policy(vec![rule("e", Allow, "", &[])], Deny);
    good.authentication = Some(jwt(&[&crate::policy::samples::EC]));
    good.rate_limits = vec![limit("l", &["identity.subject"], 1)];
    assert_eq!(check(&good), Ok(()));
    let from = proto::SecretKey { secret: "Secret/a/b".into(), key: "k".into() };
    good.authentication.as_mut().unwrap().jwt[0].jwks = Some(proto::jwt::Jwks::Secret(from));
    assert_eq!(check(&good), Ok(()));

    let jwks = |document: &str| {
        let mut section = jwt(&[]);
        section.jwt[0].jwks = Some(proto::jwt::Jwks::Inline(document.into()));
        proto::Policy { authentication: Some(section), ..Default::default() }
    };
    for (policy, part) in [
        (
            policy(vec![rule("e", Allow, "nope", &[])], Deny),
            "authorization.rules[e].when: line 1, column 1: unknown variable `nope`",
        ),
        (
            limited(vec![limit("l", &["identity.foo"], 1)]),
            "rateLimits[l].key: \"identity.foo\": `identity` has no member `foo`",
        ),
        (limited(vec![limit("l", &[], 0)]), "rateLimits[l].requests"),
        (limited((0..17).map(|_| limit("l", &[], 1)).collect()), "rateLimits: more than 16"),
        (limited(vec![limit("l", &["tool.name"; 9], 1)]), "more than 8 paths"),
        (jwks("{}"), "authentication.jwt[https://issuer.example].jwks.inline has no member"),
    ] {
        let error = check(&policy).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
