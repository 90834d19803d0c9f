//! What the gateway serves in the benchmark: servers behind one endpoint, tokens, four rules and a rate limit.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// What the servers are called.
const NAMES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Signs tokens.
pub struct Issuer(rcgen::KeyPair);

impl Issuer {
    /// An issuer with a new key.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?))
    }

    /// The token of a principal; no two have the same groups.
    pub fn token(&self, principal: usize) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = json!({
            "iss": "https://issuer.example", "aud": "bench", "sub": format!("agent-{principal}"), "exp": now + 3600,
            "org": "acme", "groups": ["ops", "eng", format!("team-{principal}")],
        });
        let header = Header { kid: Some("bench".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&self.0.serialize_der())).context("token")
    }

    fn jwks(&self) -> String {
        // An uncompressed point: 0x04, x, y.
        let point = self.0.public_key_raw();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench", "x": x, "y": y}]})
            .to_string()
    }
}

/// Writes the manifests.
pub fn write(folder: &Path, upstreams: &[SocketAddr], issuer: &Issuer) -> anyhow::Result<()> {
    let manifests = folder.join("manifests");
    fs::create_dir_all(&manifests)?;
    let names: Vec<_> = NAMES.iter().zip(upstreams).collect();
    let entries = names.iter().map(|(name, _)| json!({"name": name, "serverRef": {"name": name}}));
    let mut objects = vec![
        object("McpRoute", "bench", json!({"path": "/mcp", "servers": entries.collect::<Vec<_>>()})),
        object(
            "McpPolicy",
            "bench",
            json!({
                "targetRefs": [{"kind": "McpRoute", "name": "bench"}],
                "authentication": {"jwt": [
                    {"issuer": "https://issuer.example", "audiences": ["bench"], "jwks": {"inline": issuer.jwks()}},
                ]},
                "authorization": {"default": "Deny", "rules": rules()},
                "rateLimits": [
                    {"name": "each", "key": ["identity.subject", "tool.name"], "requests": 1_000_000_000, "window": "1m", "burst": 1_000_000},
                ],
            }),
        ),
    ];
    objects.extend(names.iter().map(|(name, address)| server(name, **address)));
    for (number, object) in objects.iter().enumerate() {
        fs::write(manifests.join(format!("{number}.yaml")), serde_json::to_string_pretty(object)?)?;
    }
    Ok(())
}

/// Four rules, all of which have to be evaluated before a call of the benchmark is let through. One of them reads an argument.
fn rules() -> Value {
    json!([
        {"name": "other-organisations", "action": "Deny", "when": "identity.claims.org != \"acme\""},
        {"name": "no-bulk", "action": "Deny", "when": "has(arguments.count) && arguments.count > 100"},
        {"name": "readers-only-read", "action": "Deny",
         "when": "!(\"eng\" in identity.claims.groups) && !tool.annotations.readOnlyHint"},
        {"name": "engineers", "action": "Allow",
         "when": "\"eng\" in identity.claims.groups && tool.name.startsWith(\"first_\")"},
    ])
}

fn server(name: &str, address: SocketAddr) -> Value {
    object("McpServer", name, json!({"source": {"remote": {"url": format!("http://{address}/mcp")}}}))
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "portolan.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}
