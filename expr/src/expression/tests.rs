use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::samples::Sample;
use crate::variable::Variable as V;

fn holds(source: &str) -> Result<bool, EvalError> {
    let expression = Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.evaluate(&Sample::default())
}

fn refusal(source: &str) -> ParseError {
    match Expression::parse(source) {
        Err(error) => error,
        Ok(_) => panic!("{source} was taken"),
    }
}

#[test]
fn conditions_over_every_variable_are_answered() {
    for source in [
        r#"identity.issuer == "https://issuer.example""#,
        r#"identity.subject == "alice" && identity.subject != "bob""#,
        r#""eng" in identity.claims.groups"#,
        r#"identity.claims.team == "core" && identity.claims.org.unit == "a""#,
        r#"identity.claims["team"] in ["core", "web"]"#,
        "identity.claims.admin",
        "identity.claims.level >= 3 && identity.claims.level == 3.0",
        r#"tool.name.startsWith("gh_") && tool.name.endsWith("_repo")"#,
        r#"tool.name.contains("delete") && size(tool.name) == 14"#,
        r#"tool.server == "scm/github""#,
        r#"arguments.branch == "main" && "main" == arguments.branch"#,
        "arguments.count > 4 && arguments.count + 1 == 6 && arguments.ratio < 1.0",
        "arguments.none == null",
        r#"arguments.items[0].tags == ["x", "y"] && ["x", "y"] == arguments.items[0].tags"#,
        r#"arguments.items[1] == {"tags": []}"#,
        r#"request.method == "tools/call" && request.host == "mcp.acme.example""#,
        r#"request.path.startsWith("/eng") && request.revision == "2026-07-28""#,
        r#"request.headers["X-Team"] == identity.claims.team"#,
        r#"has(identity.claims.team) && !has(identity.claims.nothing) && has(arguments.items)"#,
        "has(tool.name) && has(tool.annotations.readOnlyHint) && !has(request.headers.absent)",
        r#"tool.name.matches("^gh_(delete|drop)_")"#,
        r#""ALICE" == identity.subject.upperAscii()"#,
        r#"(identity.subject == "bob" ? arguments.count : 7) == 7"#,
    ] {
        assert_eq!(holds(source), Ok(true), "{source}");
    }
}

#[test]
fn optional_selection_answers_for_what_is_absent() {
    for (source, expected) in [
        (r#"arguments.?branch.orValue("") == "main""#, true),
        (r#"arguments.?branch.orValue("x") != "main""#, false),
        (r#"arguments.?region.orValue("eu") == "eu""#, true),
        (r#"arguments.?a.b.?c.orValue("") == """#, true),
        (r#"arguments.?count.orValue(0) > 4"#, true),
        ("arguments.?branch.hasValue() && !arguments.?region.hasValue()", true),
        (r#"request.headers[?"x-absent"].orValue("none") == "none""#, true),
        (r#"identity.claims[?"team"].orValue("") == "core""#, true),
        (r#"arguments.?list.orValue([]).exists(x, x == "a")"#, false),
        (r#"optional.of("a").orValue("b") == "a" && !optional.none().hasValue()"#, true),
    ] {
        assert_eq!(holds(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_is_needed_before_an_optional_step_must_be_there() {
    assert_eq!(holds(r#"arguments.absent.?branch.orValue("") == "main""#), Err(EvalError::Failed));
    assert_eq!(holds("has(arguments.absent.branch)"), Err(EvalError::Failed));
    assert_eq!(holds("has(arguments.?absent.branch)"), Ok(false));
}

#[test]
fn macros_go_over_claims_arguments_and_short_lists() {
    for (source, expected) in [
        (r#"identity.claims.groups.exists(g, g.startsWith("op"))"#, true),
        (r#"identity.claims.groups.all(g, g in ["eng", "ops"])"#, true),
        (r#"arguments.items.exists(i, i.tags.exists(t, t == "y"))"#, true),
        (r#"arguments.items.exists_one(i, size(i.tags) == 2)"#, true),
        (r#"["a", "b"].exists(x, x == arguments.branch)"#, false),
        ("size(arguments.items.filter(i, size(i.tags) > 0)) == 1", true),
        (r#"identity.claims.groups.map(g, g + "!") == ["eng!", "ops!"]"#, true),
        // A macro's variable hides ours.
        (r#"identity.claims.groups.exists(tool, tool == "eng")"#, true),
    ] {
        assert_eq!(holds(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_decides_alone_hides_an_error_beside_it() {
    assert_eq!(holds("arguments.absent || identity.claims.admin"), Ok(true));
    assert_eq!(holds("identity.claims.admin || arguments.absent"), Ok(true));
    assert_eq!(holds("arguments.absent && !identity.claims.admin"), Ok(false));
    assert_eq!(holds("arguments.absent && identity.claims.admin"), Err(EvalError::Failed));
    assert_eq!(holds("identity.claims.admin && arguments.absent"), Err(EvalError::Failed));
    assert_eq!(holds("!arguments.absent"), Err(EvalError::Failed));
}

#[test]
fn an_absent_or_mistyped_value_is_an_error_and_not_false() {
    for source in [
        r#"arguments.absent == "x""#,
        r#"arguments.absent != "x""#,
        r#""x" in arguments.absent"#,
        r#""x" in arguments.branch"#,
        r#"arguments.count.startsWith("5")"#,
        r#"request.headers["absent"] == "x""#,
        "arguments.count",
        "arguments.branch",
        "arguments.count && true",
        "arguments.items > 3",
    ] {
        assert!(holds(source).is_err(), "{source}");
    }
}

#[test]
fn a_fact_that_cannot_be_told_is_an_error() {
    let facts = Sample { known: false, ..Sample::default() };
    for source in [r#"tool.name == "x""#, r#"tool.name != "x""#, r#"size(tool.name) > 0"#] {
        assert_eq!(Expression::parse(source).unwrap().evaluate(&facts), Err(EvalError::Failed), "{source}");
    }
}

#[test]
fn hints_that_nobody_vouches_for_read_as_the_specification_says() {
    assert_eq!(holds("tool.annotations.readOnlyHint"), Ok(false));
    assert_eq!(holds("tool.annotations.destructiveHint"), Ok(true));
    assert_eq!(holds("tool.annotations.idempotentHint"), Ok(false));
    assert_eq!(holds("tool.annotations.openWorldHint == true"), Ok(true));
    let facts = Sample { read_only: Some(true), ..Sample::default() };
    assert_eq!(Expression::parse("tool.annotations.readOnlyHint").unwrap().evaluate(&facts), Ok(true));
}

#[test]
fn unknown_variables_members_and_functions_are_refused_with_what_is_known() {
    for (source, part) in [
        ("user.name == \"x\"", "unknown variable `user`"),
        ("identity.foo == \"x\"", "`identity` has no member `foo`: it has issuer, subject, claims"),
        ("has(identity.foo)", "has no member `foo`"),
        ("tool.colour == \"red\"", "`tool` has no member `colour`"),
        ("tool.annotations.title == \"x\"", "readOnlyHint, destructiveHint"),
        ("tool.annotations.?readOnlyHint.orValue(false)", "each always set"),
        ("tool.annotations == {}", "readOnlyHint"),
        ("identity == 3", "`identity` is not a value"),
        ("identity.?claims.?team.hasValue()", "write it without `?`"),
        ("identity.subject.name == \"x\"", "`identity.subject` has no members"),
        ("request.headers == {}", "name one header"),
        ("\"x\" in request.headers", "name one header"),
        ("request.headers[tool.name] == \"x\"", "name one header"),
        (".tool.name == \"x\"", "unknown variable"),
        ("fetch(\"http://x\")", "unknown function `fetch`"),
        ("tool.name.replace(\"a\", \"b\") == \"x\"", "unknown function `replace`"),
        ("duration(\"1s\") == duration(\"1s\")", "unknown function `duration`"),
        ("type(arguments) == map", "unknown function `type`"),
        ("portolan.Rule{}.x", "messages cannot be built"),
        ("identity.claims.groups.exists(g, h == g)", "unknown variable `h`"),
        ("arguments.?branch == \"main\"", "equals no value: write .orValue(...)"),
        ("arguments.?branch != \"main\"", "equals no value"),
        ("arguments.?branch in [\"main\"]", "equals no value"),
        ("arguments.items.exists(i, i.?tag == \"x\")", "equals no value"),
        ("tool.name.matches(arguments.pattern)", "must be written out"),
        ("tool.name.matches(\"(\")", "the pattern does not compile"),
        ("tool.name.matches(\"((a{99}){99}){99}\")", "the pattern does not compile"),
    ] {
        let error = refusal(source);
        assert!(error.message.contains(part), "{source}: {error}");
    }
}

#[test]
fn what_can_never_be_a_condition_is_refused() {
    for source in
        ["\"x\"", "3", "tool.name", "[true]", "size(tool.name)", "arguments.count + 1", "arguments", "arguments.?a"]
    {
        assert!(refusal(source).message.contains("not a condition"), "{source}");
    }
}

#[test]
fn errors_point_at_line_and_column() {
    let at = |source: &str| {
        let error = refusal(source);
        (error.line, error.column)
    };
    assert_eq!(at("identity.foo == 1"), (1, 9));
    assert_eq!(at("tool.name == \"x\" &&\n  colour == \"red\""), (2, 3));
    assert_eq!(at("tool.name == \"é\" && colour"), (1, 21));
    assert_eq!(at("tool.name =="), (1, 13));
    assert_eq!(
        refusal("identity.foo").to_string(),
        "line 1, column 9: `identity` has no member `foo`: it has issuer, subject, claims"
    );
}

#[test]
fn size_depth_macros_and_cost_are_bounded() {
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    let long_chain = vec!["arguments.a"; 90].join(" + ") + " == 1";
    let long_list = format!("[{}].exists(x, x == 1)", vec!["1"; 65].join(","));
    let repeated = format!("identity.claims.groups.all(g, {})", vec!["g != \"a\""; 60].join(" && "));
    for (source, part) in [
        (" ".repeat(4097), "longer than 4096"),
        (String::new(), "empty"),
        (deep, "nested deeper than 24 brackets"),
        (long_chain, "16 additions"),
        (long_list, "at most 64"),
        (repeated, "costs too much"),
        ("arguments.a.all(x, x.all(y, y.all(z, z)))".to_owned(), "more than 2 nested macros"),
        ("arguments.a.map(x, x).map(x, x).exists(x, x)".to_owned(), "a macro goes over"),
    ] {
        let error = refusal(&source);
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn an_evaluation_that_looks_at_too_much_fails_even_where_its_error_would_be_hidden() {
    let many: Vec<_> = (0..5000).collect();
    let facts = Sample { arguments: json!({"items": many, "text": "x".repeat(8 << 20)}), ..Sample::default() };
    let evaluate = |source: &str| Expression::parse(source).unwrap().evaluate(&facts);
    assert_eq!(evaluate("arguments.items.exists(i, i == 1)"), Err(EvalError::TooCostly));
    assert_eq!(evaluate("arguments.items.exists(i, i == 1) || true"), Err(EvalError::TooCostly));
    assert_eq!(evaluate("arguments.text.contains(\"y\")"), Err(EvalError::TooCostly));
    assert_eq!(evaluate("arguments.items[4999] == 4999"), Ok(true));
}

#[test]
fn what_is_answered_directly_is_what_the_interpreter_answers() {
    let values = json!([null, true, false, 3, 0.5, "a", "ab", "", [], ["a"], ["b", 1], {}, {"a": 1}, {"b": "a"}]);
    let mut all: Vec<_> = values.as_array().unwrap().iter().map(|value| json!({"v": value})).collect();
    all.push(json!({}));
    for (direct, within) in [
        (r#"arguments.v == "a""#, r#"x == "a""#),
        (r#"arguments.v != "a""#, r#"x != "a""#),
        (r#""a" in arguments.v"#, r#""a" in x"#),
        (r#"arguments.v.startsWith("a")"#, r#"x.startsWith("a")"#),
        (r#"arguments.v.endsWith("b")"#, r#"x.endsWith("b")"#),
        ("arguments.v", "x"),
        ("!arguments.v", "!x"),
        ("has(arguments.v.a)", "has(x.a)"),
    ] {
        let direct = Expression::parse(direct).unwrap();
        let interpreted = Expression::parse(&format!("[arguments.v].exists(x, {within})")).unwrap();
        for arguments in &all {
            let facts = Sample { arguments: arguments.clone(), ..Sample::default() };
            let (direct, interpreted) = (direct.evaluate(&facts), interpreted.evaluate(&facts));
            assert_eq!(direct.ok(), interpreted.ok(), "{within} of {arguments}");
        }
    }
}

#[test]
fn only_what_an_expression_names_is_read() {
    let expression =
        Expression::parse(r#""eng" in identity.claims.groups && identity.claims.org.unit == "a""#).unwrap();
    assert_eq!(expression.variables().iter().collect::<Vec<_>>(), [V::IdentityClaims]);
    assert!(expression.variables().is_identity_only());
    assert_eq!(expression.claims().unwrap().collect::<Vec<_>>(), ["groups", "org"]);

    let expression = Expression::parse(r#"has(tool.annotations.readOnlyHint) && identity.claims == {}"#).unwrap();
    assert!(expression.variables().contains(V::ToolAnnotations) && !expression.variables().needs_call());
    assert!(expression.claims().is_none());

    let expression =
        Expression::parse(r#"has(arguments.a.b) && arguments["c"] == "d" && arguments.?e.hasValue()"#).unwrap();
    assert_eq!(expression.arguments().unwrap().collect::<Vec<_>>(), ["a", "c", "e"]);
    assert!(Expression::parse("arguments[tool.name] == 1").unwrap().arguments().is_none());

    for source in ["has(arguments.a)", r#"request.headers["a"] == "b""#, r#"request.method == "x""#] {
        assert!(Expression::parse(source).unwrap().variables().needs_call(), "{source}");
    }
}

#[test]
fn a_macro_over_a_value_costs_what_its_rounds_may_cost() {
    let cost = |source: &str| Expression::parse(source).unwrap().cost();
    assert_eq!(cost(r#"tool.name == "x""#), 1);
    assert!(cost(r#"["a", "b"].exists(x, x == "a")"#) < 50);
    assert!(cost(r#"arguments.a.exists(x, x == "a")"#) > 512);
}

proptest! {
    #[test]
    fn no_source_makes_the_parser_panic(source in r#"([a-z.?\[\]()"'!&|=<>+\-*/%,:{}0-9 \\\n]|identity|tool\.name|arguments|has\(|\.exists\(x, |é){0,40}"#) {
        if let Ok(expression) = Expression::parse(&source) {
            let _ = expression.evaluate(&Sample::default());
        }
    }
}

#[test]
fn nesting_that_could_exhaust_the_stack_is_refused() {
    for (before, after) in [
        ("(", ")"),
        ("[", "]"),
        ("size(", ")"),
        ("!(", ")"),
        ("{1: ", "}"),
        ("true ? true : ", ""),
        ("a.b(", ")"),
        ("x[", "]"),
        ("!", ""),
        ("-", ""),
    ] {
        for count in [30, 100, 4000 / (before.len() + after.len())] {
            let source = format!("{}true{}", before.repeat(count), after.repeat(count));
            let _ = Expression::parse(&source);
        }
    }
    for operator in ["+", "==", "<", "&&", "||", "in", "%"] {
        let source = vec!["a"; 4000 / (operator.len() + 3)].join(&format!(" {operator} "));
        assert!(Expression::parse(&source).is_err(), "{operator}");
    }
    for tail in [".a", ".a()", "[0]", ".?a", ".map(x, x)"] {
        let source = format!("arguments{}", tail.repeat(4000 / tail.len()));
        let _ = Expression::parse(&source);
    }
}
