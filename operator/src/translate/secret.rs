//! Secret -> `Secret`: the referenced keys and nothing else. Values pass through here and are never formatted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use k8s_openapi::api::core::v1::Secret;
use portolan_config::proto;
use portolan_crds::{Reason, policy::ChosenJwks};

use super::{Outcome, Problems};
use crate::{
    index::{Grant, World},
    object::{Key, ObjectKey, ObjectKind},
};

/// ClusterRole of the chart that lets the operator read a namespace's Secrets.
const ROLE: &str = "portolan-secret-reader";

/// Translates the Secret at `key`, as far as somebody names it.
pub(super) fn translate(key: &Key, world: &World) -> Outcome {
    let wanted = wanted_keys(key, world);
    if wanted.is_empty() {
        return Outcome::Remove;
    }
    match (world.grant(&key.namespace), world.secret(key)) {
        (Some(Grant::Denied), _) => Outcome::Revoke,
        // Nobody could say yet whether it may be read: what gateways have stays.
        (None, _) => Outcome::Hold(Vec::new()),
        (Some(Grant::Listed), None) => Outcome::Remove,
        (Some(Grant::Listed), Some(secret)) => {
            let data: BTreeMap<String, Bytes> =
                wanted.into_iter().filter_map(|wanted| Some((wanted.to_owned(), value(secret, wanted)?))).collect();
            Outcome::put(proto::Secret { data })
        }
    }
}

/// The keys that servers and policies name in a Secret.
fn wanted_keys<'a>(secret: &Key, world: &'a World) -> BTreeSet<&'a str> {
    let object = ObjectKey::new(ObjectKind::Secret, secret.clone());
    let servers = world.referrers(ObjectKind::McpServer, &object).filter_map(|key| world.servers.get(key)?.valid());
    let credentials =
        servers.filter_map(|server| server.spec.credentials.header.as_ref()).map(|header| &header.secret_ref);
    let policies = world.referrers(ObjectKind::McpPolicy, &object).filter_map(|key| world.policies.get(key)?.valid());
    let issuers = policies.filter_map(|policy| policy.spec.authentication.as_ref()).flat_map(|section| &section.jwt);
    let key_sets = issuers.filter_map(|issuer| match issuer.jwks.chosen() {
        Some(ChosenJwks::Secret(reference)) => Some(reference),
        _ => None,
    });
    credentials
        .chain(key_sets)
        .filter(|reference| reference.name == secret.name)
        .map(|reference| reference.key.as_str())
        .collect()
}

/// The value under `key`. `stringData` is only ever in files: the API server folds it into `data`, over what is there.
pub(super) fn value(secret: &Secret, key: &str) -> Option<Bytes> {
    let text =
        secret.string_data.as_ref().and_then(|data| data.get(key)).map(|text| Bytes::copy_from_slice(text.as_bytes()));
    text.or_else(|| secret.data.as_ref()?.get(key).map(|data| Bytes::copy_from_slice(&data.0)))
}

/// Tells whether a reference can be resolved, and how to mend it if not.
pub(super) fn check(world: &World, secret: &Key, key: &str, field: &str, problems: &mut Problems) {
    match (world.grant(&secret.namespace), world.secret(secret)) {
        (Some(Grant::Denied) | None, _) => {
            let namespace = &secret.namespace;
            problems.add(
                Reason::SecretNotGranted,
                field,
                format!("namespace {namespace} does not let the operator read its Secrets"),
                format!(
                    "grant it: kubectl create rolebinding {ROLE} --namespace={namespace} --clusterrole={ROLE} {}",
                    world.settings.grantee
                ),
            );
        }
        (Some(Grant::Listed), None) => {
            problems.add(
                Reason::SecretNotFound,
                format!("{field}.name"),
                format!("there is no Secret {secret}"),
                "create it",
            );
        }
        (Some(Grant::Listed), Some(found)) if value(found, key).is_none() => {
            problems.add(
                Reason::SecretKeyNotFound,
                format!("{field}.key"),
                format!("Secret {secret} has no key {key:?}"),
                "add it, or correct the key",
            );
        }
        (Some(Grant::Listed), Some(_)) => {}
    }
}
