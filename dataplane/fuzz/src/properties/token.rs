//! Bearer tokens.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use portolan_config::proto;
use serde_json::{Map, Value, json};

use crate::policy::{Authentication, KeySource};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://mcp.example/mcp";
/// Seconds since 1970.
const NOW: u64 = 1_800_000_000;
const CLAIMS: &str = r#"{"iss":"https://issuer.example","sub":"ann","aud":"https://mcp.example/mcp","exp":1800000060}"#;
const HEADER: &str = r#"{"alg":"EdDSA","kid":"one","typ":"JWT"}"#;

static SIGNER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));

/// No token of anybody else's comes in. One that is signed well comes in only if its header asks for nothing but that signature, and its
/// claims say what they must, as another parser reads them.
pub fn token(data: &[u8]) {
    if let Ok(bearer) = std::str::from_utf8(data) {
        assert!(enter(bearer).is_none() || bearer.matches('.').count() == 2);
    }
    if enter(&signed(data, CLAIMS.as_bytes())).is_some() {
        let header = object(data);
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        assert_eq!(text("alg"), Some("EdDSA"));
        assert!(header.get("kid").is_none_or(|key| key == "one"), "{header:?}");
        let kind = text("typ").map(str::to_ascii_lowercase);
        assert!(
            header.get("typ").is_none() || ["jwt", "at+jwt", "application/at+jwt"].contains(&kind.unwrap().as_str())
        );
        for refused in ["crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip", "cty"] {
            assert!(!header.contains_key(refused), "{header:?}");
        }
    }
    if let Some(subject) = enter(&signed(HEADER.as_bytes(), data)) {
        let claims = object(data);
        assert_eq!(claims.get("iss").and_then(Value::as_str), Some(ISSUER));
        assert_eq!(claims.get("sub").and_then(Value::as_str), Some(subject.as_str()));
        assert!(!subject.is_empty());
        assert!(claims.get("exp").and_then(Value::as_u64).is_some_and(|exp| exp.saturating_add(60) > NOW));
        assert!(claims.get("nbf").is_none_or(|from| from.as_u64().is_some_and(|from| from <= NOW + 60)));
        assert!(match &claims["aud"] {
            Value::Array(all) => all.iter().any(|one| one == AUDIENCE),
            one => one == AUDIENCE,
        });
    }
}

fn object(data: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(data).expect("an object")
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(SIGNER.sign(text.as_bytes()));
    format!("{text}.{signature}")
}

/// The subject that a token comes in as.
fn enter(token: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
    let identity = authentication().authenticate(&headers, || AUDIENCE.to_owned(), NOW).ok()?;
    Some(identity.subject.to_string())
}

/// Made anew for each token: nothing is remembered from one input to the next.
fn authentication() -> Authentication {
    let key = URL_SAFE_NO_PAD.encode(SIGNER.public_key());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": key}]});
    let jwt = proto::Jwt {
        issuer: ISSUER.to_owned(),
        jwks: Some(proto::jwt::Jwks::Inline(keys.to_string())),
        ..proto::Jwt::default()
    };
    let section = proto::Authentication { jwt: vec![jwt], ..proto::Authentication::default() };
    Authentication::compile(&section, KeySource::NONE, None).expect("a valid section")
}
