//! What the gateway serves in the benchmark: two servers behind one endpoint, tokens, an authorization rule and a rate limit.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// Writes the manifests; returns a token that is good for them.
pub fn write(folder: &Path, upstreams: [SocketAddr; 2]) -> anyhow::Result<String> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let manifests = folder.join("manifests");
    fs::create_dir_all(&manifests)?;
    let objects = [
        server("first", upstreams[0]),
        server("second", upstreams[1]),
        json!({
            "apiVersion": "portolan.dev/v1alpha1", "kind": "McpRoute", "metadata": {"name": "bench"},
            "spec": {"path": "/mcp", "servers": [
                {"name": "first", "serverRef": {"name": "first"}}, {"name": "second", "serverRef": {"name": "second"}},
            ]},
        }),
        json!({
            "apiVersion": "portolan.dev/v1alpha1", "kind": "McpPolicy", "metadata": {"name": "bench"},
            "spec": {
                "targetRefs": [{"kind": "McpRoute", "name": "bench"}],
                "authentication": {"jwt": [{"issuer": "https://issuer.example", "audiences": ["bench"], "jwks": {"inline": jwks(&key)?}}]},
                "authorization": {"default": "Deny", "rules": [
                    {"name": "engineers", "action": "Allow", "when": "\"eng\" in identity.claims.groups && tool.name.startsWith(\"first_\")"},
                ]},
                "rateLimits": [
                    {"name": "each", "key": ["identity.subject", "tool.name"], "requests": 1_000_000_000, "window": "1m", "burst": 1_000_000},
                ],
            },
        }),
    ];
    for (number, object) in objects.iter().enumerate() {
        fs::write(manifests.join(format!("{number}.yaml")), serde_json::to_string_pretty(object)?)?;
    }
    token(&key)
}

fn server(name: &str, address: SocketAddr) -> serde_json::Value {
    json!({
        "apiVersion": "portolan.dev/v1alpha1", "kind": "McpServer", "metadata": {"name": name},
        "spec": {"source": {"remote": {"url": format!("http://{address}/mcp")}}},
    })
}

fn jwks(key: &rcgen::KeyPair) -> anyhow::Result<String> {
    use base64::Engine;
    // An uncompressed point: 0x04, x, y.
    let point = key.public_key_raw();
    let coordinate = |range| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&point[range]);
    let (x, y) = (coordinate(1..33), coordinate(33..65));
    Ok(json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench", "x": x, "y": y}]})
        .to_string())
}

fn token(key: &rcgen::KeyPair) -> anyhow::Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": "https://issuer.example", "aud": "bench", "sub": "agent", "exp": now + 3600, "groups": ["eng", "ops"],
    });
    let header = Header { kid: Some("bench".to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&key.serialize_der())).context("token")
}
