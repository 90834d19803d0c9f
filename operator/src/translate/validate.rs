//! What the CRDs' rules say of single fields, checked again: files have met no API server, and a cluster may have an older CRD.
//!
//! Only what would break a resource or open a door; `check` compares the whole object with the schema.

use std::collections::BTreeSet;

use portolan_crds::{Duration, McpPolicy, McpRoute, McpServer, Quantity, Reason, server::Chosen};

use super::{Problems, rules};
use crate::object::Malformed;

/// An object that has not the shape of its kind.
pub(super) fn malformed(malformed: &Malformed, problems: &mut Problems) {
    problems.add(Reason::Invalid, &malformed.field, &malformed.error, "compare it with `kubectl explain`");
}

/// Rules of McpServer.
pub(super) fn server(server: &McpServer, problems: &mut Problems) {
    let spec = &server.spec;
    match spec.source.chosen() {
        None => problems.invalid("spec.source", "must have exactly one of service and remote"),
        Some(Chosen::Service(service)) => path("spec.source.service.path", &service.path, problems),
        Some(Chosen::Remote(_)) => {}
    }
    if let Some(header) = &spec.credentials.header {
        if http::HeaderName::try_from(header.name.as_str()).is_err() {
            problems.invalid("spec.credentials.header.name", "is not the name of a header");
        }
        if header.format.split("%s").count() != 2 {
            problems
                .invalid("spec.credentials.header.format", "must have exactly one %s, where the Secret's value goes");
        }
    }
    rules::server(server, problems);
    let interval = duration("spec.health.interval", &spec.health.interval, problems);
    let timeout = duration("spec.health.timeout", &spec.health.timeout, problems);
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && (timeout > interval || timeout.is_zero())
    {
        problems.invalid("spec.health.timeout", "must be more than nothing and not longer than interval");
    }
}

/// Rules of McpRoute.
pub(super) fn route(route: &McpRoute, problems: &mut Problems) {
    let spec = &route.spec;
    path("spec.path", &spec.path, problems);
    if spec.path == "/.well-known" || spec.path.starts_with("/.well-known/") {
        problems.invalid("spec.path", "/.well-known belongs to the gateway's own documents");
    }
    if spec.servers.is_empty() {
        problems.invalid("spec.servers", "must have at least one server");
    }
    unique("spec.servers", "name", spec.servers.iter().map(|entry| entry.name.as_str()), problems);
    for (index, entry) in spec.servers.iter().enumerate() {
        let overrides = entry.tools.overrides.iter().map(|change| change.name.as_str());
        unique(&format!("spec.servers[{index}].tools.overrides"), "name", overrides, problems);
    }
    rules::route(route, problems);
    duration("spec.aggregation.staleFor", &spec.aggregation.stale_for, problems);
}

/// Rules of McpPolicy, but for expressions and keys.
pub(super) fn policy(policy: &McpPolicy, problems: &mut Problems) {
    let spec = &policy.spec;
    rules::policy(policy, problems);
    if spec.target_refs.is_empty() {
        problems.invalid("spec.targetRefs", "must have at least one target");
    }
    let targets: Vec<String> =
        spec.target_refs.iter().map(|target| format!("{} {}", target.kind.as_str(), target.name)).collect();
    unique("spec.targetRefs", "kind and name", targets.iter().map(String::as_str), problems);
    if let Some(section) = &spec.authentication {
        if section.jwt.is_empty() && !section.anonymous {
            problems.invalid("spec.authentication", "must have a jwt entry, or anonymous: true");
        }
        unique("spec.authentication.jwt", "issuer", section.jwt.iter().map(|jwt| jwt.issuer.as_str()), problems);
    }
    if let Some(section) = &spec.authorization {
        unique("spec.authorization.rules", "name", section.rules.iter().map(|rule| rule.name.as_str()), problems);
    }
    unique("spec.rateLimits", "name", spec.rate_limits.iter().map(|limit| limit.name.as_str()), problems);
    for (index, limit) in spec.rate_limits.iter().enumerate() {
        let field = format!("spec.rateLimits[{index}]");
        if duration(&format!("{field}.window"), &limit.window, problems).is_some_and(|window| window.is_zero()) {
            problems.invalid(&format!("{field}.window"), "must be more than nothing");
        }
        if limit.requests < 1 || limit.burst.is_some_and(|burst| burst < 1) {
            problems.invalid(&field, "requests and burst must be at least 1");
        }
    }
    quantity("spec.limits.requestBytes", spec.limits.request_bytes.as_ref(), problems);
    quantity("spec.limits.responseBytes", spec.limits.response_bytes.as_ref(), problems);
}

/// Milliseconds of a duration that was checked before; as many as fit.
pub(super) fn milliseconds(duration: &Duration) -> u32 {
    duration.parse().map_or(0, |duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX))
}

/// Bytes of a quantity that was checked before; 0 where it is absent.
pub(super) fn bytes(quantity: Option<&Quantity>) -> u64 {
    quantity.and_then(|quantity| quantity.bytes().ok()).unwrap_or(0)
}

fn path(field: &str, path: &str, problems: &mut Problems) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~!$&'()*+,;=:@-".contains(&byte);
    if !path.starts_with('/') || !path.bytes().all(plain) {
        problems.invalid(field, "must begin with '/' and be plain: no query, fragment, space or percent-encoding");
    }
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let count = segments.clone().count();
    let empty = |(index, segment): (usize, &str)| segment.is_empty() && index + 1 < count;
    if segments.clone().any(|segment| segment == "." || segment == "..") || segments.enumerate().any(empty) {
        problems.invalid(field, "must have no '.', '..' or empty segment");
    }
}

fn duration(field: &str, duration: &Duration, problems: &mut Problems) -> Option<std::time::Duration> {
    match duration.parse() {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            problems.invalid(field, &error.to_string());
            None
        }
    }
}

fn quantity(field: &str, quantity: Option<&Quantity>, problems: &mut Problems) {
    if let Some(Err(error)) = quantity.map(Quantity::bytes) {
        problems.invalid(field, &error.to_string());
    }
}

fn unique<'a>(field: &str, what: &str, values: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            problems.invalid(field, &format!("two entries have the {what} {value:?}"));
        }
    }
}
