use super::*;
use crate::proto::ToolOverride;

#[test]
fn a_name_is_prefixed_and_made_plain() {
    assert_eq!(exposed_name("gh", "search_code"), "gh_search_code");
    assert_eq!(exposed_name("my.server", "read file/é"), "my_server_read_file__");
}

#[test]
fn an_empty_prefix_leaves_the_name_alone() {
    assert_eq!(exposed_name("", "a.b c"), "a.b c");
    assert_eq!(exposed_name("", &"x".repeat(100)), "x".repeat(100));
}

#[test]
fn a_name_of_64_characters_stays_whole_and_one_of_65_is_cut() {
    assert_eq!(exposed_name("p", &"x".repeat(62)), format!("p_{}", "x".repeat(62)));
    let cut = exposed_name("p", &"x".repeat(63));
    assert_eq!(cut.len(), 64);
    assert!(cut.starts_with(&format!("p_{}_", "x".repeat(53))));
}

#[test]
fn long_names_that_differ_at_the_end_stay_apart() {
    let long = "x".repeat(80);
    assert_ne!(exposed_name("p", &format!("{long}a")), exposed_name("p", &format!("{long}b")));
}

#[test]
fn a_star_stands_for_any_run() {
    for (pattern, text) in
        [("*", ""), ("get_*", "get_"), ("*_file", "read_file"), ("a*b*c", "a-b-c"), ("a**c", "ac"), ("x", "x")]
    {
        assert!(glob(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("", "x"), ("get_*", "got_x"), ("a*a", "a"), ("a*b*c", "acb"), ("x", "xy"), ("*ab*b", "ab")]
    {
        assert!(!glob(pattern, text), "{pattern} {text}");
    }
}

fn entry() -> RouteServer {
    RouteServer { prefix: "gh".into(), ..RouteServer::default() }
}

#[test]
fn an_exclusion_wins_over_an_inclusion() {
    let entry = RouteServer { include: vec!["*_code".into()], exclude: vec!["delete_*".into()], ..entry() };
    let shown = |own| shows(&entry, own, Hints::default(), Hints::default());
    assert!(shown("search_code"));
    assert!(!shown("delete_code"));
    assert!(!shown("search_text"));
}

#[test]
fn a_claimed_hint_may_hide_a_tool_but_not_show_it() {
    let rule = ExcludeAnnotated { destructive_hint: Some(true), ..ExcludeAnnotated::default() };
    let entry = RouteServer { exclude_annotated: Some(rule), ..entry() };
    let harmless = Hints { destructive: Some(false), ..Hints::default() };
    let harmful = Hints { destructive: Some(true), ..Hints::default() };
    assert!(!shows(&entry, "x", Hints::default(), harmless), "a claim alone shows nothing: the default is destructive");
    assert!(shows(&entry, "x", harmless, harmless));
    assert!(!shows(&entry, "x", harmless, harmful));
}

#[test]
fn the_last_trusted_entry_wins_hint_by_hint() {
    let all =
        TrustedAnnotations { tools: vec!["*".into()], read_only_hint: Some(true), ..TrustedAnnotations::default() };
    let writes = TrustedAnnotations {
        tools: vec!["put_*".into()],
        read_only_hint: Some(false),
        idempotent_hint: Some(true),
        ..TrustedAnnotations::default()
    };
    let hints = Hints::trusted(&[all, writes], "put_note");
    assert_eq!(hints, Hints { read_only: Some(false), idempotent: Some(true), ..Hints::default() });
}

#[test]
fn a_tool_is_renamed_before_it_is_prefixed() {
    let change = ToolOverride { name: "search_code".into(), rename: Some("find".into()), ..ToolOverride::default() };
    let entry = RouteServer { overrides: vec![change], ..entry() };
    assert_eq!(outward(&entry, "search_code"), "gh_find");
    assert_eq!(outward(&entry, "other"), "gh_other");
}
