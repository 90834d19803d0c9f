//! Who may call a route.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{bounds, is_default, reference::SecretKeyRef};

/// Who may call a route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.anonymous) && self.anonymous) || (has(self.jwt) && size(self.jwt) > 0)")
    .message("must have a jwt entry, or anonymous: true"))]
pub struct Authentication {
    /// Issuers whose tokens are taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["issuer".into()]))]
    pub jwt: Vec<Jwt>,
    /// What the endpoint's metadata document says (RFC 9728).
    #[serde(default, skip_serializing_if = "is_default")]
    pub resource_metadata: ResourceMetadata,
    /// Whether calls without a token are taken, as of the subject `anonymous`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub anonymous: bool,
}

/// An issuer whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Jwt {
    /// The `iss` of the tokens.
    #[schemars(schema_with = "bounds::issuer")]
    pub issuer: String,
    /// The `aud` that tokens may have. Empty: the endpoint's own URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::audiences")]
    pub audiences: Vec<String>,
    /// The issuer's keys.
    pub jwks: Jwks,
    /// Claims that rules see: `identity.claims.NAME` is the token's claim of the given name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "bounds::claims")]
    pub claims: BTreeMap<String, String>,
}

/// An issuer's keys (RFC 7517). A valid object has exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.inline), has(self.secretRef), has(self.remote)].exists_one(member, member)")
    .message("must have exactly one of inline, secretRef and remote"))]
pub struct Jwks {
    /// The key set itself: public keys are no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bounds::jwks")]
    pub inline: Option<String>,
    /// A Secret that holds the key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
    /// Where the issuer publishes the key set. Gateways fetch it in the background, and never from addresses that a remote server may not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteJwks>,
}

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteJwks {
    /// Its URL, as in the issuer's metadata (`jwks_uri`).
    #[schemars(schema_with = "bounds::url")]
    pub url: String,
}

/// The one member of a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenJwks<'a> {
    /// The key set itself.
    Inline(&'a str),
    /// A Secret that holds it.
    Secret(&'a SecretKeyRef),
    /// Where it is published.
    Remote(&'a RemoteJwks),
}

impl Jwks {
    /// The one member; `None` if there is not exactly one (as a file may have it that no API server checked).
    #[must_use]
    pub fn chosen(&self) -> Option<ChosenJwks<'_>> {
        match (&self.inline, &self.secret_ref, &self.remote) {
            (Some(inline), None, None) => Some(ChosenJwks::Inline(inline)),
            (None, Some(secret), None) => Some(ChosenJwks::Secret(secret)),
            (None, None, Some(remote)) => Some(ChosenJwks::Remote(remote)),
            _ => None,
        }
    }
}

/// What an endpoint's metadata document says (RFC 9728).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceMetadata {
    /// Where clients get tokens. Empty: from the issuers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::urls")]
    pub authorization_servers: Vec<String>,
    /// Scopes that clients may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "bounds::scopes")]
    pub scopes_supported: Vec<String>,
}
