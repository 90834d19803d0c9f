use serde_json::json;

use super::*;
use crate::policy::samples::{EC, ED, RSA, base64};

fn parse(keys: &Value) -> Result<Keys, String> {
    Keys::parse(json!({"keys": keys}).to_string().as_bytes())
}

#[test]
fn public_keys_for_signatures_are_taken() {
    let keys = parse(&json!([RSA.jwk(), EC.jwk(), ED.jwk()])).unwrap();
    assert_eq!(keys.0.len(), 3);
}

#[test]
fn keys_that_cannot_verify_are_passed_over() {
    let with = |name: &str, value: Value| {
        let mut jwk = EC.jwk();
        jwk[name] = value;
        jwk
    };
    let small = json!({"kty": "RSA", "n": base64([0xff; 128]), "e": "AQAB"});
    for jwk in [
        json!({"kty": "oct", "k": base64("secret")}),
        json!({"kty": "oct", "k": base64("secret"), "alg": "HS256"}),
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("alg", json!("HS256")),
        with("alg", json!("ES384")),
        with("alg", json!("none")),
        with("alg", json!(7)),
        with("crv", json!("P-521")),
        with("x", json!("AA")),
        small,
        json!("text"),
    ] {
        assert!(parse(&json!([jwk.clone()])).is_err(), "{jwk}");
        assert_eq!(parse(&json!([jwk, ED.jwk()])).unwrap().0.len(), 1);
    }
}

#[test]
fn what_is_no_key_set_is_refused_with_a_reason() {
    let many: Vec<_> = (0..65).map(|_| ED.jwk()).collect();
    for (document, reason) in [
        ("".to_owned(), "is not JSON"),
        ("{}".to_owned(), "no member \"keys\""),
        ("{\"keys\":[]}".to_owned(), "no public key"),
        (json!({"keys": many}).to_string(), "more than 64 keys"),
        (" ".repeat(300_000), "larger than"),
    ] {
        let error = Keys::parse(document.as_bytes()).map(|_| ()).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_key_verifies_only_by_its_own_algorithm_and_under_its_own_name() {
    let keys = parse(&json!([EC.jwk(), RSA.jwk()])).unwrap();
    let verify = |algorithm: &str, id: Option<&str>, signer: &crate::policy::samples::Signer| {
        keys.verify(algorithm, id, b"message", &base64(signer.sign("message")))
    };
    assert!(verify("ES256", Some("ES256"), &EC) && verify("ES256", None, &EC) && verify("RS256", Some("RS256"), &RSA));
    assert!(!verify("ES256", Some("RS256"), &EC), "another key's name");
    assert!(!verify("ES256", Some("unknown"), &EC), "a name that nobody has");
    assert!(!verify("ES384", Some("ES256"), &EC), "another algorithm");
    assert!(!verify("PS256", Some("RS256"), &RSA), "another padding");
    for algorithm in ["none", "None", "", "HS256", "EdDSA", "es256"] {
        assert!(!verify(algorithm, None, &EC), "{algorithm}");
    }
}
