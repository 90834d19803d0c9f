//! Authentication: from an `Authorization` header to a principal, by the issuers and keys of one route.
//!
//! A signature is checked once for each token; what it says is checked again for every request. Nothing in a token makes us fetch anything.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use portolan_config::proto;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Value, json};

use super::identity::Identity;
use super::keys::Keys;
use super::token::{Said, Token};
use super::unauthenticated::Unauthenticated;

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;
/// Bytes, roughly, that a route's verdicts may take.
const CACHE_BYTES: u64 = 4 << 20;
const CACHE_ITEMS: usize = 2048;

/// Who may come in by a route, and how they show it.
pub struct Authentication {
    issuers: Vec<Issuer>,
    anonymous: bool,
    audience: Option<String>,
    authorization_servers: Vec<String>,
    scopes: Vec<String>,
    /// By the token itself: a lookup compares every byte, and costs a tenth of a cryptographic hash.
    verdicts: Cache<Box<str>, Arc<Verified>, Weight>,
}

struct Issuer {
    name: String,
    /// Empty: the route's own URL.
    audiences: Vec<String>,
    keys: Keys,
    /// Where it publishes its keys, if they are fetched from there.
    published: Option<Arc<str>>,
    /// (ours, the token's)
    claims: Vec<(String, String)>,
}

/// A token whose signature holds.
struct Verified {
    identity: Arc<Identity>,
    issuer: usize,
    audiences: Vec<String>,
    expires: u64,
    not_before: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<str>, Arc<Verified>> for Weight {
    fn weight(&self, token: &Box<str>, _: &Arc<Verified>) -> u64 {
        // Parsed claims take some four times their text.
        512 + 5 * token.len() as u64
    }
}

/// The name of a published key set: its URL.
pub fn published_at(keys: &proto::PublishedKeys) -> Arc<str> {
    let tls = keys.remote.as_ref().is_some_and(|remote| remote.tls);
    format!("{}://{}{}", if tls { "https" } else { "http" }, keys.authority, keys.path).into()
}

/// Where keys are found that a policy only points at.
#[derive(Clone, Copy)]
pub struct KeySource<'a> {
    /// A key of a Secret.
    pub secret: &'a dyn Fn(&str, &str) -> Option<Bytes>,
    /// What was fetched from a URL.
    pub published: &'a dyn Fn(&str) -> Option<Bytes>,
}

impl KeySource<'_> {
    /// Nothing is found.
    pub const NONE: Self = Self { secret: &|_, _| None, published: &|_| None };
}

impl Authentication {
    /// Compiles the section. `source` finds keys; `default_audience` is the route's own URL where the fleet declares one.
    pub fn compile(
        section: &proto::Authentication,
        source: KeySource<'_>,
        default_audience: Option<String>,
    ) -> Result<Self, String> {
        if section.jwt.is_empty() && !section.anonymous {
            return Err("authentication: nobody could come in: add jwt, or anonymous: true".into());
        }
        let issuers: Vec<Issuer> =
            section.jwt.iter().map(|jwt| Issuer::compile(jwt, source)).collect::<Result<_, _>>()?;
        let metadata = section.resource_metadata.clone().unwrap_or_default();
        let mut authorization_servers = metadata.authorization_servers;
        if authorization_servers.is_empty() {
            // The issuer of a token is the authorization server that signed it (RFC 8414).
            authorization_servers = issuers.iter().map(|issuer| issuer.name.clone()).collect();
            authorization_servers.dedup();
        }
        Ok(Self {
            issuers,
            anonymous: section.anonymous,
            audience: default_audience,
            authorization_servers,
            scopes: metadata.scopes_supported,
            verdicts: Cache::with_weighter(CACHE_ITEMS, CACHE_BYTES, Weight),
        })
    }

    /// The principal of a request. `resource` is the URL of the endpoint as this request names it, used where the fleet declares none;
    /// `now` is in seconds since 1970.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        resource: impl FnOnce() -> String,
        now: u64,
    ) -> Result<Arc<Identity>, Unauthenticated> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let token = match (sent.next(), sent.next()) {
            (None, _) if self.anonymous => return Ok(Identity::anonymous()),
            (None, _) => return Err(Unauthenticated::MISSING),
            // Without issuers there is nothing that a token could be checked against.
            (Some(_), _) if self.issuers.is_empty() => return Ok(Identity::anonymous()),
            (Some(one), None) => bearer(one.as_bytes()).ok_or(Unauthenticated::invalid("not a bearer token"))?,
            (Some(_), Some(_)) => return Err(Unauthenticated::invalid("more than one Authorization header")),
        };
        let verified = self.verify(token)?;
        self.admit(&verified, resource, now).map_err(Unauthenticated::invalid)?;
        Ok(Arc::clone(&verified.identity))
    }

    /// The protected resource's metadata (RFC 9728).
    pub fn metadata_document(&self, resource: &str) -> Bytes {
        let mut document = json!({
            "resource": resource,
            "authorization_servers": self.authorization_servers,
            "bearer_methods_supported": ["header"],
        });
        if !self.scopes.is_empty() {
            document["scopes_supported"] = json!(self.scopes);
        }
        Bytes::from(document.to_string())
    }

    /// The value of `WWW-Authenticate`.
    pub fn challenge(&self, metadata_url: &str, fault: &Unauthenticated) -> String {
        fault.challenge(metadata_url, &self.scopes.join(" "))
    }

    /// Only good signatures are remembered, so a cache that is full or empty changes cost and never a verdict.
    fn verify(&self, text: &str) -> Result<Arc<Verified>, Unauthenticated> {
        if let Some(verified) = self.verdicts.get(text) {
            return Ok(verified);
        }
        let invalid = Unauthenticated::invalid;
        if !is_token(text) {
            return Err(invalid("not a bearer token"));
        }
        let token = Token::parse(text).map_err(invalid)?;
        let claimed = token.issuer().ok_or(invalid("the token names no issuer"))?;
        let mut issuers = self.issuers.iter().enumerate().filter(|(_, issuer)| issuer.name == claimed);
        let (index, issuer) =
            issuers.clone().find(|(_, issuer)| token.is_signed_by(&issuer.keys)).ok_or_else(|| {
                issuers
                    .next()
                    .map_or(invalid("the token's issuer is not known here"), |(_, issuer)| issuer.refusal(&token))
            })?;
        let said = token.said().map_err(invalid)?;
        let verified = Arc::new(Verified {
            issuer: index,
            expires: said.expires,
            not_before: said.not_before,
            audiences: said.audiences.clone(),
            identity: Arc::new(issuer.identity(said)),
        });
        self.verdicts.insert(text.into(), Arc::clone(&verified));
        Ok(verified)
    }

    fn admit(&self, token: &Verified, resource: impl FnOnce() -> String, now: u64) -> Result<(), &'static str> {
        if token.expires.saturating_add(LEEWAY) <= now {
            return Err("the token has expired");
        }
        if token.not_before > now.saturating_add(LEEWAY) {
            return Err("the token is not valid yet");
        }
        let wanted = &self.issuers[token.issuer].audiences;
        let is_for_us = match (&self.audience, wanted.is_empty()) {
            (_, false) => token.audiences.iter().any(|audience| wanted.contains(audience)),
            (Some(ours), true) => token.audiences.contains(ours),
            (None, true) => token.audiences.contains(&resource()),
        };
        if is_for_us { Ok(()) } else { Err("the token is for another audience") }
    }
}

impl Issuer {
    fn compile(jwt: &proto::Jwt, source: KeySource<'_>) -> Result<Self, String> {
        use proto::jwt::Jwks;
        if jwt.issuer.is_empty() {
            return Err("authentication.jwt.issuer: must not be empty".into());
        }
        let at = |field: &str, fault: &str| format!("authentication.jwt[{}].jwks.{field} {fault}", jwt.issuer);
        let mut published = None;
        let keys = match &jwt.jwks {
            Some(Jwks::Inline(document)) => Keys::parse(document.as_bytes()).map_err(|fault| at("inline", &fault))?,
            Some(Jwks::Secret(from)) => {
                let document = (source.secret)(&from.secret, &from.key).ok_or_else(|| {
                    at("secretRef", &format!("is not to be had: {} has no key {:?}", from.secret, from.key))
                })?;
                Keys::parse(&document).map_err(|fault| at("secretRef", &fault))?
            }
            Some(Jwks::Published(at)) => {
                let url = published.insert(published_at(at));
                // What was fetched was checked then. Until something is, nobody comes in by this issuer, and by the others as before.
                (source.published)(url).and_then(|document| Keys::parse(&document).ok()).unwrap_or_default()
            }
            None => return Err(at("inline", "or secretRef or remote must be set")),
        };
        let claims = jwt.claims.iter().map(|(ours, theirs)| (ours.clone(), theirs.clone())).collect();
        Ok(Self { name: jwt.issuer.clone(), audiences: jwt.audiences.clone(), keys, published, claims })
    }

    /// Why a token that no key has signed is refused; it may be that the key was published since.
    fn refusal(&self, token: &Token<'_>) -> Unauthenticated {
        let description = match self.keys.is_empty() {
            true => "the issuer's keys are not to be had yet",
            false => "the token's signature does not hold",
        };
        let lacks_key_of = self.published.clone().filter(|_| !self.keys.has(token.key()));
        Unauthenticated { lacks_key_of, ..Unauthenticated::invalid(description) }
    }

    /// Our names for claims replace the token's own of the same name, also where the token lacks what they stand for.
    fn identity(&self, said: Said) -> Identity {
        let mut claims = said.claims;
        let renamed: Vec<(&String, Option<Value>)> =
            self.claims.iter().map(|(ours, theirs)| (ours, claims.get(theirs).cloned())).collect();
        if let Value::Object(members) = &mut claims {
            for (ours, value) in renamed {
                match value {
                    Some(value) => members.insert(ours.clone(), value),
                    None => members.remove(ours),
                };
            }
        }
        Identity::new(&self.name, &said.subject, claims, Some(said.expires.saturating_add(LEEWAY)))
    }
}

/// What stands where `Bearer TOKEN` has its token; the scheme's case does not matter (RFC 9110).
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// The letters of a token (RFC 6750, 2.1).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

#[cfg(test)]
mod tests;
