//! The `rateLimits` section of one policy.

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use portolan_config::proto;
use portolan_expr::{KeyPath, Variable};

use super::facts::Known;
use super::gcra::{Limiter, Rate};
use super::identity::Identity;

/// Limits of a section, and paths of a key.
const LIMITS: usize = 16;
const PATHS: usize = 8;

/// One limit, compiled.
pub(super) struct RateLimit {
    pub(super) name: Arc<str>,
    /// Target, policy and name: two limits never share a count.
    scope: String,
    paths: Vec<KeyPath>,
    requests: u64,
    window: Duration,
    burst: Option<u64>,
}

/// A limit that a call is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limited {
    /// The policy, "namespace/name".
    pub policy: Arc<str>,
    /// The limit's name.
    pub name: Arc<str>,
    /// When a call will be let through again, at the earliest.
    pub retry_after: Duration,
}

/// What the limits say of a call.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Limiting {
    /// The limit that refuses it.
    pub limited: Option<Limited>,
    /// Policy and name of a limit that would, were its policy enforced.
    pub would_limit: Option<(Arc<str>, Arc<str>)>,
}

impl RateLimit {
    pub(super) fn compile_all(target: &str, policy: &str, limits: &[proto::RateLimit]) -> Result<Vec<Self>, String> {
        if limits.len() > LIMITS {
            return Err(format!("rateLimits: more than {LIMITS}"));
        }
        limits.iter().map(|limit| Self::compile(target, policy, limit)).collect()
    }

    fn compile(target: &str, policy: &str, limit: &proto::RateLimit) -> Result<Self, String> {
        let at = |field: &str, fault: &dyn std::fmt::Display| format!("rateLimits[{}].{field}: {fault}", limit.name);
        if limit.key.len() > PATHS {
            return Err(at("key", &format_args!("more than {PATHS} paths")));
        }
        if limit.requests == 0 || limit.window_ms == 0 {
            return Err(at("requests", &"requests and window must be more than zero"));
        }
        let paths = limit.key.iter().map(|path| KeyPath::parse(path).map_err(|fault| at("key", &fault)));
        Ok(Self {
            name: limit.name.as_str().into(),
            scope: format!("{target} {policy} {}", limit.name),
            paths: paths.collect::<Result<_, _>>()?,
            requests: limit.requests,
            window: Duration::from_millis(limit.window_ms.into()),
            burst: Some(limit.burst).filter(|burst| *burst > 0),
        })
    }

    /// What this gateway enforces.
    pub(super) fn rate(&self, pods: u32) -> Rate {
        Rate::share(self.requests, self.window, self.burst, pods)
    }

    /// The count that a call belongs to. Where a path reads the identity, the issuer tells apart whom two issuers call the same, and the
    /// subject is the whole principal.
    pub(super) fn key(&self, identity: &Identity, facts: &Known<'_>, limiter: &Limiter) -> u64 {
        let mut hasher = limiter.hasher();
        hasher.write(self.scope.as_bytes());
        for path in &self.paths {
            let variables = path.variables();
            if variables.contains(Variable::IdentitySubject) {
                hasher.write(identity.key());
                continue;
            }
            if variables.contains(Variable::IdentityClaims) {
                hasher.write_usize(identity.issuer.len());
                hasher.write(identity.issuer.as_bytes());
            }
            path.feed(facts, &mut hasher);
        }
        hasher.finish()
    }

    /// The arguments that it counts by.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().filter_map(KeyPath::argument)
    }
}
