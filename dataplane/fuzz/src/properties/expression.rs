//! Conditions and key paths that users write.

use std::borrow::Cow;

use portolan_expr::{Expression, Facts, Hint, KeyPath, Variable};
use serde_json::{Value, json};

/// Most evaluations of a node that a condition may cost.
const COST: u64 = 24_000;

/// Parsing never panics and tells where it fails; what parses has a bounded cost, and says the same whenever it is asked.
pub fn expression(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let known = Sample::new();
    match Expression::parse(source) {
        Ok(expression) => {
            assert!(source.len() <= 4096 && expression.cost() <= COST, "{}", expression.cost());
            let answer = expression.evaluate(&known);
            assert_eq!(expression.evaluate(&known), answer);
            let again = Expression::parse(source).expect("it parsed before");
            assert_eq!(again.evaluate(&known), answer);
            assert_eq!(again.cost(), expression.cost());
            // What cannot be told makes it fail, or did not matter; neither is a panic.
            let _ = expression.evaluate(&Nothing);
        }
        Err(error) => {
            let line = source.split('\n').nth((error.line as usize).saturating_sub(1)).expect("a line of the source");
            assert!(error.column as usize <= line.chars().count() + 1, "{error:?}");
        }
    }
    if let Ok(path) = KeyPath::parse(source) {
        assert_eq!(KeyPath::parse(source), Ok(path));
    }
}

/// A call of which everything is known.
struct Sample {
    claims: Value,
    arguments: Value,
}

impl Sample {
    fn new() -> Self {
        Self {
            claims: json!({"groups": ["eng", "ops"], "team": "core", "admin": true, "level": 3, "org": {"unit": "a"}}),
            arguments: json!({"branch": "main", "count": 5, "ratio": 0.5, "items": [{"tags": ["x"]}], "none": null}),
        }
    }
}

impl Facts for Sample {
    fn string(&self, variable: Variable) -> Option<&str> {
        match variable {
            Variable::IdentityClaims | Variable::Arguments => None,
            Variable::ToolName => Some("gh_delete_repo"),
            _ => Some("text"),
        }
    }

    fn json(&self, variable: Variable) -> Option<&Value> {
        match variable {
            Variable::IdentityClaims => Some(&self.claims),
            Variable::Arguments => Some(&self.arguments),
            _ => None,
        }
    }

    fn hint(&self, hint: Hint) -> Option<bool> {
        (hint == Hint::ReadOnly).then_some(true)
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        name.eq_ignore_ascii_case("x-team").then_some(Cow::Borrowed("core"))
    }
}

/// A call of which nothing is known.
struct Nothing;

impl Facts for Nothing {
    fn string(&self, _: Variable) -> Option<&str> {
        None
    }

    fn json(&self, _: Variable) -> Option<&Value> {
        None
    }

    fn hint(&self, _: Hint) -> Option<bool> {
        None
    }

    fn header(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
