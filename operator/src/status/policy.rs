//! The status of an McpPolicy: one entry for each target (GEP-713).

use portolan_crds::{
    CONTROLLER_NAME, Finding,
    policy::{McpPolicyStatus, PolicyAncestor},
    reference::ParentReference,
};

use super::{Moment, continued};
use crate::object::ObjectKey;

/// The status that follows from the findings for each target, continuing `old`.
#[must_use]
pub fn policy(targets: &[(ObjectKey, Vec<Finding>)], old: &McpPolicyStatus, moment: Moment) -> McpPolicyStatus {
    let ancestors = targets.iter().map(|(target, findings)| {
        let ancestor_ref = reference(target);
        let before = ancestor(old, &ancestor_ref);
        PolicyAncestor {
            conditions: continued(findings, before.map_or(&[], |entry| &entry.conditions), moment),
            ancestor_ref,
            controller_name: CONTROLLER_NAME.to_owned(),
        }
    });
    McpPolicyStatus { ancestors: ancestors.collect() }
}

/// How status names a target.
#[must_use]
pub fn reference(target: &ObjectKey) -> ParentReference {
    ParentReference::own(target.kind.as_str(), &target.key.name)
}

/// What was said of a target.
#[must_use]
pub fn ancestor<'a>(status: &'a McpPolicyStatus, target: &ParentReference) -> Option<&'a PolicyAncestor> {
    status.ancestors.iter().find(|entry| entry.ancestor_ref == *target)
}
