//! What callers may do.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// What callers may do. Deny beats Allow; the order of rules does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// What holds where no rule matches.
    #[serde(default)]
    pub default: Action,
    /// The rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = bounds::ENTRIES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<AuthorizationRule>,
}

/// A rule: holds for what matches both `when` and `tools`; an absent one matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationRule {
    /// The rule's name, which refusals and audit records show.
    #[schemars(schema_with = "bounds::label")]
    pub name: String,
    /// What the rule does.
    pub action: Action,
    /// A CEL expression over identity, tool, arguments and request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::expression")]
    pub when: Option<String>,
    /// Names of tools, as the target shows them; `*` stands for any characters. Empty: every tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::globs")]
    pub tools: Vec<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// The call is refused, the tool is not listed.
    #[default]
    Deny,
    /// The call is allowed, unless a Deny matches too.
    Allow,
}
