//! McpPolicy -> `Policy`, already attached: which of its sections hold on which target.

mod sections;

use portolan_config::{
    Kind, Name,
    proto::{Attachment, Mode, Policy, Section},
};
use portolan_crds::{McpPolicy, Reason, policy};

use super::{Outcome, Problems, Translation, validate};
use crate::{
    index::{World, claims::Claim, edges, references::Node},
    object::{Key, ObjectKey, ObjectKind, Stored},
};

/// Translates the policy at `key`.
pub(super) fn translate(key: &Key, world: &World, mut problems: Problems) -> Translation {
    let object = ObjectKey::new(ObjectKind::McpPolicy, key.clone());
    let name = super::name(&object);
    let policy = match world.policies.get(key) {
        None => return Translation::of(name, Outcome::Remove, problems),
        Some(Stored::Malformed(malformed)) => {
            validate::malformed(malformed, &mut problems);
            return Translation::of(name, Outcome::Hold(presumed_targets(&object, world)), problems);
        }
        Some(Stored::Valid(policy)) => policy,
    };
    validate::policy(policy, &mut problems);
    let sections = sections::compile(key, policy, world, &mut problems);
    if problems.refuse() {
        // Whatever it names and no good version is on fails closed, also what does not exist yet.
        let dependents = edges::targets(key, policy).map(|target| super::name(&target)).collect();
        return Translation::of(name, Outcome::Hold(dependents), problems);
    }
    let attachments = attachments(key, policy, world, &mut problems);
    let mode = match policy.spec.mode {
        policy::Mode::Enforce => Mode::Enforce,
        policy::Mode::Audit => Mode::Audit,
    };
    let resource = Policy {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        attachments,
        mode: mode.into(),
        authentication: sections.authentication,
        authorization: sections.authorization,
        rate_limits: sections.rate_limits,
        limits: sections.limits,
        generation: policy.metadata.generation.unwrap_or(0),
    };
    Translation::of(name, Outcome::put(resource), problems)
}

/// Whether some policy says who may call the route at `key`.
#[must_use]
pub fn authenticated(key: &Key, world: &World) -> bool {
    let route = ObjectKey::new(ObjectKind::McpRoute, key.clone());
    world.referrers(ObjectKind::McpPolicy, &route).any(|policy| {
        world
            .policies
            .get(policy)
            .is_some_and(|policy| policy.valid().is_none_or(|policy| policy.spec.authentication.is_some()))
    })
}

/// What a policy that cannot be read may have meant: what it names legibly, now or before, or else everything in its namespace.
fn presumed_targets(policy: &ObjectKey, world: &World) -> Vec<Name> {
    if world.may_mean_anything(&policy.key) {
        let all = world.keys(ObjectKind::McpRoute).into_iter().chain(world.keys(ObjectKind::McpServer));
        return all
            .filter(|object| object.key.namespace == policy.key.namespace)
            .map(|object| super::name(&object))
            .collect();
    }
    let named = world.references().of(policy).filter_map(|node| match node {
        Node::Object(object) if object.kind.is_target() => Some(super::name(object)),
        _ => None,
    });
    named.collect()
}

/// By what policies are ordered: the older one holds a section that two want. One that is gone is older than all, since it holds nothing.
#[must_use]
pub fn age(key: &Key, world: &World) -> (i64, Key) {
    let created = world.policies.get(key).map(|policy| policy.meta().creation_timestamp.as_ref());
    let created = created.map_or(i64::MIN, |created| created.map_or(0, |time| time.0.as_second()));
    (created, key.clone())
}

/// Attaches a version that was compiled before among the policies of today.
pub fn join_again(key: &Key, policy: &mut Policy, world: &World) {
    let sections = Claim::of(policy);
    for attachment in &mut policy.attachments {
        let Ok(target) = attachment.target.parse::<Name>() else { continue };
        let free = sections.sections().iter().filter(|section| has_section(&target, **section));
        let own = free.filter(|section| holder(key, &target, **section, world).is_none());
        attachment.sections = own.map(|section| (*section).into()).collect();
    }
}

/// The sections that an edit has.
fn sections_of(policy: &McpPolicy) -> Vec<Section> {
    let spec = &policy.spec;
    let limits = spec.limits.request_bytes.is_some() || spec.limits.response_bytes.is_some();
    [
        (spec.authentication.is_some(), Section::Authentication),
        (spec.authorization.is_some(), Section::Authorization),
        (!spec.rate_limits.is_empty(), Section::RateLimits),
        (limits, Section::Limits),
    ]
    .into_iter()
    .filter_map(|(there, section)| there.then_some(section))
    .collect()
}

/// Servers have callers of their own fleet only: who the agent is has been settled on the route.
fn has_section(target: &Name, section: Section) -> bool {
    section != Section::Authentication || target.kind() != Kind::Server
}

/// The targets that exist, each with the sections that no older policy holds there.
fn attachments(key: &Key, policy: &McpPolicy, world: &World, problems: &mut Problems) -> Vec<Attachment> {
    let mut attachments = Vec::new();
    for (index, target) in edges::targets(key, policy).enumerate() {
        let field = format!("spec.targetRefs[{index}]");
        if !world.contains(&target) {
            let problem = problems.add(
                Reason::TargetNotFound,
                field,
                format!("there is no {target}"),
                "create it, or correct the name",
            );
            problem.target = Some(target);
            continue;
        }
        let name = super::name(&target);
        let mut sections = Vec::new();
        for section in sections_of(policy).into_iter().filter(|section| has_section(&name, *section)) {
            match holder(key, &name, section, world) {
                None => sections.push(section.into()),
                Some(older) => {
                    let message = format!("the older policy {older} holds {} on {target}", word(section));
                    let problem = problems.add(Reason::Conflicted, field.clone(), message, "merge the two");
                    problem.target = Some(target.clone());
                }
            }
        }
        attachments.push(Attachment { target: name.to_string(), sections });
    }
    attachments
}

/// The older policy that holds a section on a target, if one does.
fn holder<'a>(key: &Key, target: &Name, section: Section, world: &'a World) -> Option<&'a Key> {
    let own = age(key, world);
    let rivals = world.rivals(target).into_iter().filter(|rival| *rival != key);
    let holding = rivals.filter(|rival| match world.claims.of(rival) {
        Some(claim) => claim.covers(target, section),
        // It was not translated yet: its word is taken for it.
        None => {
            world.policies.get(rival).and_then(Stored::valid).is_some_and(|rival| sections_of(rival).contains(&section))
        }
    });
    let older = holding.map(|rival| (age(rival, world), rival)).filter(|(age, _)| *age < own);
    older.min().map(|(_, rival)| rival)
}

fn word(section: Section) -> &'static str {
    match section {
        Section::Unspecified => "nothing",
        Section::Authentication => "authentication",
        Section::Authorization => "authorization",
        Section::RateLimits => "rateLimits",
        Section::Limits => "limits",
    }
}
