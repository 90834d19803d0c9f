//! The CRDs' rules on ranges and on fields that go together: nothing would break without them, and files are held to what a cluster is.

use std::time::Duration;

use portolan_crds::{McpPolicy, McpRoute, McpServer, Quantity, policy::TargetKind};

use super::{Problems, remote};

/// Headers that the gateway sets itself.
const OWN_HEADERS: [&str; 17] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "accept",
    "accept-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "last-event-id",
    "traceparent",
    "tracestate",
];

const HOUR: Duration = Duration::from_secs(3600);

/// Rules of McpServer.
pub(super) fn server(server: &McpServer, problems: &mut Problems) {
    let spec = &server.spec;
    if let Some(header) = &spec.credentials.header {
        let name = header.name.to_ascii_lowercase();
        if OWN_HEADERS.contains(&name.as_str()) || name.starts_with("mcp-") {
            problems.invalid("spec.credentials.header.name", "the gateway sets this header itself");
        }
    }
    for (index, entry) in spec.trust.annotations.iter().enumerate() {
        if entry.hints == portolan_crds::Hints::default() {
            problems.invalid(&format!("spec.trust.annotations[{index}]"), "must have at least one hint");
        }
    }
    within("spec.health.interval", &spec.health.interval, Duration::from_secs(1), HOUR, problems);
    within("spec.health.timeout", &spec.health.timeout, Duration::from_millis(100), Duration::from_secs(60), problems);
}

/// Rules of McpRoute.
pub(super) fn route(route: &McpRoute, problems: &mut Problems) {
    within("spec.aggregation.staleFor", &route.spec.aggregation.stale_for, Duration::ZERO, 24 * HOUR, problems);
    for (index, entry) in route.spec.servers.iter().enumerate() {
        for (position, change) in entry.tools.overrides.iter().enumerate() {
            if change.rename.is_none() && change.description.is_none() {
                let field = format!("spec.servers[{index}].tools.overrides[{position}]");
                problems.invalid(&field, "must have as, description or both");
            }
        }
    }
}

/// Rules of McpPolicy.
pub(super) fn policy(policy: &McpPolicy, problems: &mut Problems) {
    let spec = &policy.spec;
    let on_a_route = spec.target_refs.iter().any(|target| target.kind == TargetKind::McpRoute);
    if let Some(section) = &spec.authentication {
        if !on_a_route {
            problems.invalid("spec.authentication", "is for routes: a target must be a McpRoute");
        }
        for (index, server) in section.resource_metadata.authorization_servers.iter().enumerate() {
            if let Err(error) = remote::plain(server) {
                problems
                    .invalid(&format!("spec.authentication.resourceMetadata.authorizationServers[{index}]"), &error);
            }
        }
        for (index, issuer) in section.jwt.iter().enumerate() {
            if let Some(name) = issuer.claims.keys().find(|name| !is_identifier(name)) {
                let field = format!("spec.authentication.jwt[{index}].claims");
                problems.invalid(
                    &field,
                    &format!("{name:?} is no identifier, so that no rule could say identity.claims.{name}"),
                );
            }
        }
    }
    for (index, limit) in spec.rate_limits.iter().enumerate() {
        let field = format!("spec.rateLimits[{index}].window");
        within(&field, &limit.window, Duration::from_secs(1), 24 * HOUR, problems);
    }
    size("spec.limits.requestBytes", spec.limits.request_bytes.as_ref(), problems);
    size("spec.limits.responseBytes", spec.limits.response_bytes.as_ref(), problems);
}

fn within(field: &str, duration: &portolan_crds::Duration, least: Duration, most: Duration, problems: &mut Problems) {
    if duration.parse().is_ok_and(|parsed| parsed < least || parsed > most) {
        let (least, most) = (portolan_crds::Duration::from(least), portolan_crds::Duration::from(most));
        problems.invalid(field, &format!("must be from {least} to {most}"));
    }
}

fn size(field: &str, quantity: Option<&Quantity>, problems: &mut Problems) {
    if quantity.is_some_and(|quantity| quantity.bytes().is_ok_and(|bytes| !(1024..=1 << 30).contains(&bytes))) {
        problems.invalid(field, "must be a size from 1Ki to 1Gi");
    }
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    first && name.len() <= 63 && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}
