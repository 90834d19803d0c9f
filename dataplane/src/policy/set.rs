//! All that policies say of one target, a route or a server. Every section must allow; a route's set and a server's are judged one after the other.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{Context, SHA256};
use portolan_config::{Name, proto};
use portolan_expr::Variable;

use super::authentication::{Authentication, KeySource};
use super::authorization::Authorization;
use super::facts::{CallFacts, ItemFacts, Known, Wanted};
use super::gcra::Limiter;
use super::identity::Identity;
use super::rates::{Limited, Limiting, RateLimit};

/// A policy that is attached to a target, and the sections that hold there.
pub struct Attached<'a> {
    /// The policy.
    pub name: &'a Name,
    /// As the operator compiled it.
    pub policy: &'a proto::Policy,
    /// The sections of it that hold on the target.
    pub sections: &'a [proto::Section],
}

/// What the policies of one target say of calls. The default says nothing, and so allows.
pub struct PolicySet {
    authorizations: Vec<Held<Authorization>>,
    rates: Vec<Held<RateLimit>>,
    request_bytes: Option<u64>,
    response_bytes: Option<u64>,
    arguments: Wanted,
    seen_by: SeenBy,
}

/// A section with its policy.
struct Held<T> {
    policy: Arc<str>,
    enforced: bool,
    section: T,
}

/// What of an identity decides which tools it sees.
#[derive(Default)]
struct SeenBy {
    principal: bool,
    every_claim: bool,
    claims: BTreeSet<String>,
}

impl SeenBy {
    fn is_nothing(&self) -> bool {
        !self.principal && !self.every_claim && self.claims.is_empty()
    }
}

/// What policy says of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What holds.
    pub verdict: Verdict,
    /// Policy and rule that would deny, were the policy's mode not Audit.
    pub would_deny: Option<(Arc<str>, Arc<str>)>,
}

/// Whether a call may be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may.
    Allow,
    /// It may not.
    Deny {
        /// The policy, "namespace/name".
        policy: Arc<str>,
        /// The rule; `default` where none allows.
        rule: Arc<str>,
    },
}

/// Whether a policy can be put in force, but for the secrets that it refers to. The error names field and remedy.
pub fn check(policy: &proto::Policy) -> Result<(), String> {
    if let Some(authentication) = &policy.authentication {
        let without_secrets = proto::Authentication {
            jwt: authentication
                .jwt
                .iter()
                .filter(|jwt| !matches!(jwt.jwks, Some(proto::jwt::Jwks::Secret(_))))
                .cloned()
                .collect(),
            anonymous: authentication.anonymous || !authentication.jwt.is_empty(),
            resource_metadata: authentication.resource_metadata.clone(),
        };
        Authentication::compile(&without_secrets, KeySource::NONE, None)?;
    }
    policy.authorization.as_ref().map(Authorization::compile).transpose()?;
    RateLimit::compile_all("", "", &policy.rate_limits).map(drop)
}

impl PolicySet {
    /// Compiles what is attached to `target`, but for authentication, which is a route's own.
    pub fn compile(target: &Name, attached: &[Attached<'_>]) -> Result<Self, String> {
        let mut set = Self::default();
        for Attached { name, policy, sections } in attached {
            let label: Arc<str> = format!("{}/{}", name.namespace(), name.name()).into();
            let enforced = policy.mode() == proto::Mode::Enforce;
            let at = |fault: String| format!("policy {label}: {fault}");
            if let Some(section) =
                policy.authorization.as_ref().filter(|_| sections.contains(&proto::Section::Authorization))
            {
                let section = Authorization::compile(section).map_err(at)?;
                set.authorizations.push(Held { policy: Arc::clone(&label), enforced, section });
            }
            if sections.contains(&proto::Section::RateLimits) {
                let limits = RateLimit::compile_all(target.as_str(), &label, &policy.rate_limits).map_err(at)?;
                let held = limits.into_iter().map(|section| Held { policy: Arc::clone(&label), enforced, section });
                set.rates.extend(held);
            }
            if let Some(limits) = policy.limits.as_ref().filter(|_| sections.contains(&proto::Section::Limits)) {
                set.request_bytes = smaller(set.request_bytes, limits.request_bytes);
                set.response_bytes = smaller(set.response_bytes, limits.response_bytes);
            }
        }
        set.note_what_is_read();
        Ok(set)
    }

    /// Whether a call may be made. The first policy that denies is named.
    pub fn judge(&self, facts: &CallFacts<'_>) -> Judgement {
        let mut judgement = Judgement { verdict: Verdict::Allow, would_deny: None };
        let known = Known::call(facts, &self.arguments);
        for held in &self.authorizations {
            let Some(rule) = held.section.denies_call(facts.tool_name, &known) else { continue };
            let policy = Arc::clone(&held.policy);
            if held.enforced {
                judgement.verdict = Verdict::Deny { policy, rule };
                return judgement;
            }
            judgement.would_deny.get_or_insert((policy, rule));
        }
        judgement
    }

    /// Whether a tool is listed. What is not listed must be answered like what is not there.
    pub fn visible(&self, facts: &ItemFacts<'_>) -> bool {
        let known = Known::item(facts);
        !self.authorizations.iter().any(|held| held.enforced && held.section.hides(facts.tool_name, &known))
    }

    /// The policy by which identity alone keeps a principal from everything here.
    pub fn denies_endpoint(&self, identity: &Identity) -> Option<Arc<str>> {
        let known = Known::identity(identity);
        let denies = |held: &&Held<Authorization>| held.enforced && held.section.denies_identity(&known);
        self.authorizations.iter().find(denies).map(|held| Arc::clone(&held.policy))
    }

    /// Counts a call. `pods` gateways share the limits; `now` is monotonic, in nanoseconds. A call that one limit refuses is counted by none
    /// of the enforced ones, so nobody's retries use up what others share.
    pub fn limit(&self, facts: &CallFacts<'_>, limiter: &Limiter, pods: u32, now: u64) -> Limiting {
        let mut outcome = Limiting::default();
        if self.rates.is_empty() {
            return outcome;
        }
        let known = Known::call(facts, &self.arguments);
        let uses =
            |held: &Held<RateLimit>| (held.section.key(facts.identity, &known, limiter), held.section.rate(pods));
        let several = self.rates.len() > 1;
        for held in self.rates.iter().filter(|held| several && held.enforced) {
            let (key, rate) = uses(held);
            if let Err(retry_after) = limiter.peek(key, rate, now) {
                outcome.limited = Some(held.limited(retry_after));
                return outcome;
            }
        }
        for held in &self.rates {
            let (key, rate) = uses(held);
            match limiter.take(key, rate, now) {
                Ok(()) => {}
                Err(_) if !held.enforced => {
                    outcome.would_limit.get_or_insert((Arc::clone(&held.policy), Arc::clone(&held.section.name)));
                }
                Err(retry_after) => {
                    outcome.limited = Some(held.limited(retry_after));
                    return outcome;
                }
            }
        }
        outcome
    }

    /// Equal for two identities only if they see the same tools: a keyed hash of what the rules read of an identity.
    pub fn visibility_key(&self, identity: &Identity) -> u64 {
        static SEED: LazyLock<[u8; 32]> = LazyLock::new(|| std::array::from_fn(|_| fastrand::u8(..)));
        if self.seen_by.is_nothing() {
            return 0;
        }
        let mut hash = Context::new(&SHA256);
        hash.update(&*SEED);
        if self.seen_by.principal {
            hash.update(identity.key());
        }
        if self.seen_by.every_claim {
            hash.update(identity.claims.to_string().as_bytes());
        }
        for claim in &self.seen_by.claims {
            let value = identity.claims.get(claim).map(ToString::to_string);
            hash.update(&value.as_ref().map_or(u64::MAX, |value| value.len() as u64).to_be_bytes());
            hash.update(value.unwrap_or_default().as_bytes());
        }
        let mut key = [0; 8];
        key.copy_from_slice(&hash.finish().as_ref()[..8]);
        u64::from_be_bytes(key)
    }

    /// Bytes of a request's body; `None`: the gateway's own bound.
    pub fn request_bytes(&self) -> Option<u64> {
        self.request_bytes
    }

    /// Bytes of a response's body; `None`: the gateway's own bound.
    pub fn response_bytes(&self) -> Option<u64> {
        self.response_bytes
    }

    /// Whether a rule or a key reads the arguments of calls.
    pub fn needs_arguments(&self) -> bool {
        self.arguments.as_ref().is_none_or(|wanted| !wanted.is_empty())
    }

    fn note_what_is_read(&mut self) {
        let mut wanted: Wanted = Some(BTreeSet::new());
        let seen_by = &mut self.seen_by;
        for expression in self.authorizations.iter().flat_map(|held| held.section.expressions()) {
            let variables = expression.variables();
            seen_by.principal |=
                variables.contains(Variable::IdentitySubject) || variables.contains(Variable::IdentityIssuer);
            match expression.claims() {
                Some(claims) => seen_by.claims.extend(claims.map(str::to_owned)),
                None => seen_by.every_claim = true,
            }
            wanted = wanted.zip(expression.arguments()).map(|(mut wanted, names)| {
                wanted.extend(names.map(str::to_owned));
                wanted
            });
        }
        if let Some(wanted) = &mut wanted {
            wanted.extend(self.rates.iter().flat_map(|held| held.section.arguments()).map(str::to_owned));
        }
        self.arguments = wanted;
    }
}

impl Default for PolicySet {
    fn default() -> Self {
        Self {
            authorizations: Vec::new(),
            rates: Vec::new(),
            request_bytes: None,
            response_bytes: None,
            arguments: Some(BTreeSet::new()),
            seen_by: SeenBy::default(),
        }
    }
}

impl Held<RateLimit> {
    fn limited(&self, retry_after: std::time::Duration) -> Limited {
        Limited { policy: Arc::clone(&self.policy), name: Arc::clone(&self.section.name), retry_after }
    }
}

/// The smaller of two bounds; 0 is none.
fn smaller(bound: Option<u64>, other: u64) -> Option<u64> {
    let other = Some(other).filter(|bytes| *bytes > 0);
    bound.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests;
