//! The sections of a policy, compiled once here so that a mistake is the author's to see and never a gateway's to find.

use portolan_config::{
    Kind, Name,
    proto::{self, jwt},
};
use portolan_crds::{
    McpPolicy, Reason,
    policy::{Action, Authentication, Authorization, ChosenJwks, Jwt, RateLimit},
};
use portolan_expr::{Expression, KeyPath};
use serde_json::Value;

use crate::{
    index::{World, edges},
    object::Key,
    translate::{Problems, remote, secret, validate},
};

/// What a policy says, ready for the stream.
pub(super) struct Sections {
    pub(super) authentication: Option<proto::Authentication>,
    pub(super) authorization: Option<proto::Authorization>,
    pub(super) rate_limits: Vec<proto::RateLimit>,
    pub(super) limits: Option<proto::Limits>,
}

/// Compiles every section.
pub(super) fn compile(key: &Key, policy: &McpPolicy, world: &World, problems: &mut Problems) -> Sections {
    let spec = &policy.spec;
    let limits = &spec.limits;
    let bounds = proto::Limits {
        request_bytes: validate::bytes(limits.request_bytes.as_ref()),
        response_bytes: validate::bytes(limits.response_bytes.as_ref()),
    };
    Sections {
        authentication: spec.authentication.as_ref().map(|section| authentication(key, section, world, problems)),
        authorization: spec.authorization.as_ref().map(|section| authorization(section, problems)),
        rate_limits: spec
            .rate_limits
            .iter()
            .enumerate()
            .map(|(index, limit)| rate_limit(index, limit, problems))
            .collect(),
        limits: (bounds != proto::Limits::default()).then_some(bounds),
    }
}

fn authentication(
    key: &Key,
    section: &Authentication,
    world: &World,
    problems: &mut Problems,
) -> proto::Authentication {
    let issuers = section.jwt.iter().enumerate().map(|(index, issuer)| jwt(key, index, issuer, world, problems));
    let metadata = proto::ResourceMetadata {
        authorization_servers: section.resource_metadata.authorization_servers.clone(),
        scopes_supported: section.resource_metadata.scopes_supported.clone(),
    };
    proto::Authentication { jwt: issuers.collect(), resource_metadata: Some(metadata), anonymous: section.anonymous }
}

fn jwt(key: &Key, index: usize, issuer: &Jwt, world: &World, problems: &mut Problems) -> proto::Jwt {
    let field = format!("spec.authentication.jwt[{index}].jwks");
    let jwks = match issuer.jwks.chosen() {
        None => {
            problems.add(Reason::Invalid, field, "must have exactly one of inline, secretRef and remote", "");
            None
        }
        Some(ChosenJwks::Inline(text)) => {
            if let Err(error) = key_set(text.as_bytes()) {
                problems.add(
                    Reason::InvalidJwks,
                    format!("{field}.inline"),
                    error,
                    "paste the issuer's JSON Web Key Set",
                );
            }
            Some(jwt::Jwks::Inline(text.to_owned()))
        }
        Some(ChosenJwks::Secret(reference)) => {
            let wanted = edges::secret_key(key, reference);
            secret::check(world, &wanted, &reference.key, &format!("{field}.secretRef"), problems);
            let content = world.secret(&wanted).and_then(|secret| secret::value(secret, &reference.key));
            if let Some(Err(error)) = content.as_deref().map(key_set) {
                let place = format!("{field}.secretRef");
                problems.add(
                    Reason::InvalidJwks,
                    place,
                    format!("key {:?} of Secret {wanted} {error}", reference.key),
                    "",
                );
            }
            let secret = Name::new(Kind::Secret, &wanted.namespace, &wanted.name).to_string();
            Some(jwt::Jwks::Secret(proto::SecretKey { secret, key: reference.key.clone() }))
        }
        Some(ChosenJwks::Remote(published)) => match remote::parse(&published.url, None) {
            Ok(remote::Parsed { remote, authority, path }) => {
                Some(jwt::Jwks::Published(proto::PublishedKeys { remote: Some(remote), authority, path }))
            }
            Err(error) => {
                problems.add(Reason::Invalid, format!("{field}.remote.url"), error, "");
                None
            }
        },
    };
    proto::Jwt {
        issuer: issuer.issuer.clone(),
        audiences: issuer.audiences.clone(),
        jwks,
        claims: issuer.claims.clone(),
    }
}

/// Whether `text` is a key set that can verify something (RFC 7517): the error never repeats it, since it may hold a private key by mistake.
fn key_set(text: &[u8]) -> Result<(), String> {
    let set: Value = serde_json::from_slice(text)
        .map_err(|error| format!("is not JSON (line {}, column {})", error.line(), error.column()))?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or("has no list \"keys\"")?;
    if keys.is_empty() {
        return Err("has no keys".to_owned());
    }
    for (index, key) in keys.iter().enumerate() {
        let members: &[&str] = match key.get("kty").and_then(Value::as_str) {
            Some("RSA") => &["n", "e"],
            Some("EC") => &["crv", "x", "y"],
            Some("OKP") => &["crv", "x"],
            // A shared secret would let whoever reads the policy sign tokens.
            Some("oct") => {
                return Err(format!("holds a shared secret (keys[{index}]): only public keys verify tokens"));
            }
            _ => return Err(format!("has a key of no known kty (keys[{index}])")),
        };
        if let Some(missing) = members.iter().find(|member| !key.get(**member).is_some_and(Value::is_string)) {
            return Err(format!("has a key without {missing:?} (keys[{index}])"));
        }
        if key.get("d").is_some() {
            return Err(format!("holds a private key (keys[{index}]): replace it, it is no secret any more"));
        }
    }
    Ok(())
}

fn authorization(section: &Authorization, problems: &mut Problems) -> proto::Authorization {
    let rules = section.rules.iter().enumerate().map(|(index, rule)| {
        if let Some(Err(error)) = rule.when.as_deref().map(Expression::parse) {
            let place = format!("spec.authorization.rules[{index}].when");
            let message =
                format!("rule {:?}, line {}, column {}: {}", rule.name, error.line, error.column, error.message);
            problems.add(Reason::InvalidExpression, place, message, "");
        }
        proto::Rule {
            name: rule.name.clone(),
            action: action(rule.action).into(),
            when: rule.when.clone().unwrap_or_default(),
            tools: rule.tools.clone(),
        }
    });
    proto::Authorization { rules: rules.collect(), default: action(section.default).into() }
}

fn action(action: Action) -> proto::Action {
    match action {
        Action::Deny => proto::Action::Deny,
        Action::Allow => proto::Action::Allow,
    }
}

fn rate_limit(index: usize, limit: &RateLimit, problems: &mut Problems) -> proto::RateLimit {
    for (position, path) in limit.key.iter().enumerate() {
        if let Err(error) = KeyPath::parse(path) {
            let place = format!("spec.rateLimits[{index}].key[{position}]");
            problems.add(Reason::InvalidExpression, place, error.to_string(), "");
        }
    }
    let requests = u64::try_from(limit.requests).unwrap_or(0);
    proto::RateLimit {
        name: limit.name.clone(),
        key: limit.key.clone(),
        requests,
        window_ms: validate::milliseconds(&limit.window),
        burst: limit.burst.and_then(|burst| u64::try_from(burst).ok()).unwrap_or(requests),
    }
}
