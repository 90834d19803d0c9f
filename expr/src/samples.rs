//! Facts for tests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Facts, Hint, Variable};

/// A call by a member of `eng`, changing the branch `main`.
pub(crate) struct Sample {
    pub(crate) claims: Value,
    pub(crate) arguments: Value,
    pub(crate) read_only: Option<bool>,
    pub(crate) headers: BTreeMap<&'static str, &'static str>,
    pub(crate) known: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            claims: json!({"groups": ["eng", "ops"], "team": "core", "admin": true, "level": 3, "org": {"unit": "a"}}),
            arguments: json!({"branch": "main", "count": 5, "ratio": 0.5, "items": [{"tags": ["x", "y"]}, {"tags": []}], "none": null}),
            read_only: None,
            headers: BTreeMap::from([("x-team", "core")]),
            known: true,
        }
    }
}

impl Facts for Sample {
    fn string(&self, variable: Variable) -> Option<&str> {
        let text = match variable {
            Variable::IdentityIssuer => "https://issuer.example",
            Variable::IdentitySubject => "alice",
            Variable::ToolName => "gh_delete_repo",
            Variable::ToolServer => "scm/github",
            Variable::RequestMethod => "tools/call",
            Variable::RequestHost => "mcp.acme.example",
            Variable::RequestPath => "/eng/mcp",
            Variable::RequestRevision => "2026-07-28",
            _ => return None,
        };
        self.known.then_some(text)
    }

    fn json(&self, variable: Variable) -> Option<&Value> {
        match variable {
            Variable::IdentityClaims => Some(&self.claims),
            Variable::Arguments => Some(&self.arguments),
            _ => None,
        }
    }

    fn hint(&self, hint: Hint) -> Option<bool> {
        if hint == Hint::ReadOnly { self.read_only } else { None }
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name.to_ascii_lowercase().as_str()).map(|value| Cow::Borrowed(*value))
    }
}
