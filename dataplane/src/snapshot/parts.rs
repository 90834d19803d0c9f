//! One resource at a time: decoded, checked, and with every pattern, header and expression compiled.
//!
//! What fails here is refused by name (a partial nack) and never reaches a snapshot. Joining parts is the compiler's business.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use portolan_config::{Body, Name, proto};

use super::catalogue::{CatalogueTool, parse_chunk};
use crate::jwks;
use crate::mcp::revision::Revision;
use crate::policy;
use crate::upstream::UpstreamConfig;

/// Servers of one route: a bit of one word stands for each (`Route::expired`).
pub const MOST_SERVERS: usize = 64;

/// A resource that can be put into a snapshot.
pub enum Part {
    /// A backend.
    Server(Arc<ServerPart>),
    /// Where it is.
    Endpoints(proto::Endpoints),
    /// An endpoint that agents see.
    Route(Arc<proto::Route>),
    /// A policy whose sections compile.
    Policy(Arc<proto::Policy>),
    /// What a server offers.
    Catalogue(proto::Catalogue),
    /// Some of its definitions.
    Chunk(Arc<[CatalogueTool]>),
    /// Secret material.
    Secret(proto::Secret),
    /// What this gateway probes.
    Assignment(proto::Assignment),
    /// What all gateways share.
    Fleet(proto::Fleet),
}

/// A server without its endpoints, catalogue and policies.
pub struct ServerPart {
    /// As it came.
    pub proto: proto::Server,
    /// How to reach it, apart from its endpoints.
    pub upstream: UpstreamConfig,
    /// What requests ask for.
    pub target: PathAndQuery,
    /// Host or `:authority` of requests.
    pub authority: HeaderValue,
    /// Pinned revisions; empty: whatever the handshake finds.
    pub revisions: Vec<Revision>,
    /// The header that authenticates the gateway.
    pub credential: Option<CredentialPart>,
}

/// A credential header whose value is still in a secret.
pub struct CredentialPart {
    /// Its name.
    pub header: HeaderName,
    /// What stands before the secret.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// The secret's resource name.
    pub secret: String,
    /// Its key.
    pub key: String,
}

impl CredentialPart {
    /// The header's value made from the secret's bytes, marked as sensitive so that it is never printed.
    pub fn value(&self, secret: &[u8]) -> Option<HeaderValue> {
        // Secrets made by `echo` end with a newline that nobody meant.
        let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
        let bytes = [self.before.as_bytes(), secret, self.after.as_bytes()].concat();
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(bytes)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl Part {
    /// Decodes and compiles one resource. The error names field and fault; it travels to the object's status.
    pub fn parse(name: &Name, bytes: &Bytes) -> Result<Self, String> {
        let body = Body::decode(name.kind(), bytes).map_err(|error| error.to_string())?;
        Ok(match body {
            Body::Server(server) => Self::Server(Arc::new(parse_server(server)?)),
            Body::Endpoints(endpoints) => Self::Endpoints(endpoints),
            Body::Route(route) => {
                check_route(&route)?;
                Self::Route(Arc::new(route))
            }
            Body::Policy(policy) => {
                policy::check(&policy)?;
                check_sources(&policy)?;
                Self::Policy(Arc::new(policy))
            }
            Body::Catalogue(catalogue) => Self::Catalogue(catalogue),
            Body::Chunk(chunk) => Self::Chunk(parse_chunk(&chunk)?),
            Body::Secret(secret) => Self::Secret(secret),
            Body::Assignment(assignment) => Self::Assignment(assignment),
            Body::Fleet(fleet) => Self::Fleet(fleet),
        })
    }
}

fn parse_server(proto: proto::Server) -> Result<ServerPart, String> {
    let target = proto.path.parse().map_err(|error| format!("path: {error}"))?;
    let authority = HeaderValue::from_str(&proto.authority).map_err(|_| "authority: not a host and port".to_owned())?;
    let revisions = proto.revisions.iter().map(|revision| {
        revision.parse().map_err(|_| format!("protocol.revisions: {revision:?} is not spoken by this gateway"))
    });
    Ok(ServerPart {
        upstream: UpstreamConfig::of(&proto)?,
        target,
        authority,
        revisions: revisions.collect::<Result<_, String>>()?,
        credential: proto.credential.as_ref().map(parse_credential).transpose()?,
        proto,
    })
}

fn parse_credential(credential: &proto::HeaderCredential) -> Result<CredentialPart, String> {
    let header = credential.header.parse().map_err(|_| "credentials.header.name: not a header name".to_owned())?;
    let (before, after) = credential
        .format
        .split_once("%s")
        .filter(|(before, after)| !before.contains("%s") && !after.contains("%s"))
        .ok_or("credentials.header.format: needs exactly one %s")?;
    Ok(CredentialPart {
        header,
        before: before.to_owned(),
        after: after.to_owned(),
        secret: credential.secret.clone(),
        key: credential.key.clone(),
    })
}

fn check_sources(policy: &proto::Policy) -> Result<(), String> {
    for jwt in policy.authentication.iter().flat_map(|section| &section.jwt) {
        if let Some(proto::jwt::Jwks::Published(published)) = &jwt.jwks {
            let at = |fault| format!("authentication.jwt[{}].jwks.remote {fault}", jwt.issuer);
            jwks::Source::parse(published).map_err(at)?;
        }
    }
    Ok(())
}

fn check_route(route: &proto::Route) -> Result<(), String> {
    if !route.path.starts_with('/') {
        return Err("path: must begin with a slash".to_owned());
    }
    if route.servers.len() > MOST_SERVERS {
        return Err(format!("servers: more than {MOST_SERVERS}"));
    }
    Ok(())
}
