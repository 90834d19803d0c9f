//! Principals, tools and signing keys for tests.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use portolan_config::proto;
use serde_json::{Value, json};

use super::facts::CallFacts;
use super::identity::Identity;
use crate::mcp::definition::Hints;

pub(super) const ISSUER: &str = "https://issuer.example";

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs tokens.
pub(super) enum Signer {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

pub(super) static EC: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()));
pub(super) static OTHER: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()));
pub(super) static ED: LazyLock<Signer> = LazyLock::new(|| Signer::Ed(Ed25519KeyPair::generate().unwrap()));
pub(super) static RSA: LazyLock<Signer> =
    LazyLock::new(|| Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

impl Signer {
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
        }
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The public key as a JWK; its id is its algorithm.
    pub(super) fn jwk(&self) -> Value {
        let public = self.public();
        let mut jwk = match self {
            Self::Ec(_) => {
                json!({"kty": "EC", "crv": "P-256", "x": base64(&public[1..33]), "y": base64(&public[33..])})
            }
            Self::Ed(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64(&public)}),
            // RSAPublicKey in DER: 9 bytes before a modulus of 2048 bits, then 65537.
            Self::Rsa(_) => json!({"kty": "RSA", "n": base64(&public[9..265]), "e": "AQAB"}),
        };
        jwk["kid"] = self.algorithm().into();
        jwk
    }

    pub(super) fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token of exactly these parts.
    pub(super) fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64(header), base64(claims));
        let signature = base64(self.sign(&signed));
        format!("{signed}.{signature}")
    }

    /// A token with an ordinary header.
    pub(super) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm(), "kid": self.algorithm(), "typ": "JWT"});
        self.token_of(&header.to_string(), &claims.to_string())
    }
}

/// A section for one issuer with these keys.
pub(super) fn section(signers: &[&Signer]) -> proto::Authentication {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    proto::Authentication {
        jwt: vec![proto::Jwt {
            issuer: ISSUER.into(),
            audiences: Vec::new(),
            jwks: Some(proto::jwt::Jwks::Inline(json!({"keys": keys}).to_string())),
            claims: [("team".to_owned(), "groups".to_owned())].into(),
        }],
        resource_metadata: None,
        anonymous: false,
    }
}

pub(super) fn person(subject: &str, claims: Value) -> Identity {
    Identity::new(ISSUER, subject, claims, None)
}

pub(super) static NO_HINTS: Hints = Hints { read_only: None, destructive: None, idempotent: None, open_world: None };
static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

/// A call of `tool` without arguments.
pub(super) fn call<'a>(identity: &'a Identity, tool: &'a str) -> CallFacts<'a> {
    CallFacts {
        identity,
        tool_name: tool,
        tool_server: "scm/github",
        annotations: &NO_HINTS,
        arguments: None,
        method: "tools/call",
        host: "mcp.acme.example",
        path: "/mcp",
        headers: &NO_HEADERS,
        revision: "2025-11-25",
    }
}

pub(super) fn rule(name: &str, action: proto::Action, when: &str, tools: &[&str]) -> proto::Rule {
    proto::Rule {
        name: name.into(),
        action: action.into(),
        when: when.into(),
        tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
    }
}
