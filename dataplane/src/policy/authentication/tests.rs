use http::HeaderValue;

use super::*;
use crate::policy::samples::{EC, ED, ISSUER, OTHER, RSA, Signer, base64, section};

const NOW: u64 = 1_800_000_000;
const US: &str = "https://mcp.acme.example/eng/mcp";

fn compile(section: &proto::Authentication) -> Authentication {
    Authentication::compile(section, KeySource::NONE, Some(US.into())).unwrap()
}

fn ours() -> Authentication {
    compile(&section(&[&EC, &RSA, &ED]))
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": US, "exp": NOW + 300, "groups": ["eng"]})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn bearing(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    headers
}

fn present(authentication: &Authentication, token: &str) -> Result<Arc<Identity>, Unauthenticated> {
    authentication.authenticate(&bearing(token), || "unused".into(), NOW)
}

fn refused(what: &str, token: &str) {
    let fault = present(&ours(), token).expect_err(what);
    assert_eq!(fault.error, Some("invalid_token"), "{what}");
}

#[test]
fn a_token_of_every_kind_of_key_is_taken() {
    for signer in [&*EC, &*RSA, &*ED] {
        let identity = present(&ours(), &signer.token(&claims())).unwrap();
        assert_eq!((&*identity.issuer, &*identity.subject, identity.expires), (ISSUER, "alice", Some(NOW + 360)));
    }
}

#[test]
fn an_algorithm_that_the_key_does_not_allow_is_refused() {
    let body = claims().to_string();
    let unsigned = |alg: &str| format!("{}.{}.", base64(json!({"alg": alg}).to_string()), base64(&body));
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        refused(alg, &unsigned(alg));
    }
    // HS256 with what everybody knows of the key as its secret.
    let rsa = RSA.jwk();
    let document = json!({"keys": [rsa]}).to_string();
    for secret in [RSA.public(), rsa["n"].as_str().unwrap().into(), rsa.to_string().into_bytes(), document.into_bytes()]
    {
        let signed = format!("{}.{}", base64(r#"{"alg":"HS256","kid":"RS256"}"#), base64(&body));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let signature = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        refused("HS256 by the public key", &format!("{signed}.{}", base64(signature.as_ref())));
    }
    refused("another algorithm of the family", &EC.token_of(r#"{"alg":"ES384","kid":"ES256"}"#, &body));
    refused("another padding", &RSA.token_of(r#"{"alg":"PS256","kid":"RS256"}"#, &body));
    refused("no algorithm", &EC.token_of(r#"{"kid":"ES256"}"#, &body));
    refused("two algorithms", &EC.token_of(r#"{"alg":"ES256","alg":"none"}"#, &body));
}

#[test]
fn a_key_identifier_is_a_name_and_nothing_else() {
    let body = claims().to_string();
    for kid in [
        "../../../../dev/null",
        "' OR '1'='1",
        "https://evil.example/jwks.json",
        "/proc/self/environ",
        "es256",
        "RS256",
    ] {
        refused(kid, &EC.token_of(&json!({"alg": "ES256", "kid": kid}).to_string(), &body));
    }
    refused("a number", &EC.token_of(r#"{"alg":"ES256","kid":7}"#, &body));
    assert!(present(&ours(), &EC.token_of(r#"{"alg":"ES256"}"#, &body)).is_ok(), "a token may name no key");
}

#[test]
fn a_token_that_brings_its_own_key_or_asks_for_more_is_refused_although_its_signature_holds() {
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/chain.pem")),
        ("jwk", OTHER.jwk()),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("typ", json!("logout+jwt")),
        ("typ", json!(7)),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "ES256"});
        header[name] = value;
        refused(name, &EC.token_of(&header.to_string(), &claims().to_string()));
    }
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let good = EC.token(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    refused("none", &format!("{signed}."));
    refused("r and s zero", &format!("{signed}.{}", base64([0; 64])));
    refused("short", &format!("{signed}.{}", &signature[..40]));
    refused("padded", &format!("{signed}.{signature}=="));
    refused("of another key", &OTHER.token(&claims()));
    let (header, _) = signed.split_once('.').unwrap();
    refused("of other claims", &format!("{header}.{}.{signature}", base64(with("sub", json!("root")).to_string())));
}

#[test]
fn what_is_no_signed_token_is_refused() {
    let nested = EC.token(&claims());
    refused("nested", &EC.token_of(r#"{"alg":"ES256"}"#, &nested));
    refused("a list", &EC.token_of(r#"{"alg":"ES256"}"#, "[]"));
    refused("one part", "abc");
    refused("two parts", "abc.def");
    refused("four parts", &format!("{nested}.x"));
    refused("encrypted", "a.b.c.d.e");
    refused("1 MB", &EC.token(&with("padding", "x".repeat(1 << 20).into())));
    refused("just too large", &EC.token(&with("padding", "x".repeat(16 << 10).into())));
}

#[test]
fn repeated_claims_are_refused() {
    let twice = |name: &str, value: &str| {
        let text = claims().to_string();
        format!("{},\"{name}\":{value}}}", &text[..text.len() - 1])
    };
    for (name, value) in [("exp", "9999999999"), ("sub", "\"root\""), ("aud", "\"x\""), ("groups", "[\"admin\"]")] {
        refused(name, &EC.token_of(r#"{"alg":"ES256"}"#, &twice(name, value)));
    }
}

#[test]
fn times_are_whole_numbers_and_hold_within_a_minute() {
    for value in ["\"1800000300\"", "1800000300.5", "1.8e9", "1e400", "-1", "null", "[1800000300]", "true"] {
        let body = without("exp").to_string();
        let body = format!("{},\"exp\":{value}}}", &body[..body.len() - 1]);
        refused(value, &EC.token_of(r#"{"alg":"ES256"}"#, &body));
    }
    refused("no exp", &EC.token(&without("exp")));
    refused("expired", &EC.token(&with("exp", (NOW - 60).into())));
    refused("nbf in the future", &EC.token(&with("nbf", (NOW + 61).into())));
    refused("nbf as text", &EC.token(&with("nbf", json!("0"))));
    assert!(present(&ours(), &EC.token(&with("exp", (NOW - 59).into()))).is_ok());
    assert!(present(&ours(), &EC.token(&with("nbf", (NOW + 60).into()))).is_ok());
}

#[test]
fn issuer_and_subject_are_compared_to_the_letter() {
    for issuer in [
        json!(format!("{ISSUER}/")),
        json!("https://ISSUER.example"),
        json!("http://issuer.example"),
        json!([ISSUER]),
        json!(null),
    ] {
        refused(&issuer.to_string(), &EC.token(&with("iss", issuer.clone())));
    }
    refused("no issuer", &EC.token(&without("iss")));
    for subject in [json!(""), json!(7), json!("x".repeat(2000))] {
        refused("subject", &EC.token(&with("sub", subject)));
    }
    refused("no subject", &EC.token(&without("sub")));
}

#[test]
fn a_token_for_anybody_else_is_refused() {
    for audience in [
        json!("https://mcp.acme.example/other/mcp"),
        json!("https://mcp.acme.example"),
        json!(format!("{US}/")),
        json!(&US[..US.len() - 1]),
        json!(["https://a.example", "https://b.example"]),
        json!([]),
        json!(""),
        json!(null),
        json!([US, 7]),
    ] {
        refused(&audience.to_string(), &EC.token(&with("aud", audience.clone())));
    }
    refused("no audience", &EC.token(&without("aud")));
    assert!(present(&ours(), &EC.token(&with("aud", json!(["https://a.example", US])))).is_ok());
}

#[test]
fn declared_audiences_replace_the_routes_own_url() {
    let mut section = section(&[&EC]);
    section.jwt[0].audiences = vec!["mcp".into(), "agents".into()];
    let authentication = compile(&section);
    assert!(present(&authentication, &EC.token(&with("aud", json!("agents")))).is_ok());
    assert!(present(&authentication, &EC.token(&claims())).is_err());
}

#[test]
fn without_a_declared_url_the_audience_is_checked_for_every_request_also_from_the_cache() {
    let authentication = Authentication::compile(&section(&[&EC]), KeySource::NONE, None).unwrap();
    let headers = bearing(&EC.token(&claims()));
    let at = |resource: &str| authentication.authenticate(&headers, || resource.to_owned(), NOW);
    assert!(at(US).is_ok());
    assert!(at("https://evil.example/eng/mcp").is_err());
    assert!(at(US).is_ok());
}

#[test]
fn a_remembered_token_ends_when_it_says() {
    let authentication = ours();
    let headers = bearing(&EC.token(&claims()));
    let at = |now: u64| authentication.authenticate(&headers, String::new, now);
    assert!(at(NOW).is_ok());
    assert!(at(NOW + 359).is_ok());
    assert_eq!(at(NOW + 360).unwrap_err().description, "the token has expired");
}

#[test]
fn a_signature_is_checked_once_and_bad_tokens_are_not_remembered() {
    let authentication = ours();
    let first = present(&authentication, &EC.token(&claims())).unwrap();
    assert_eq!(authentication.verdicts.len(), 1);
    let token = OTHER.token(&claims());
    assert!(present(&authentication, &token).is_err() && present(&authentication, &token).is_err());
    assert_eq!(authentication.verdicts.len(), 1);
    drop(first);
}

#[test]
fn the_cache_of_verdicts_is_bounded() {
    let authentication = compile(&section(&[&ED]));
    for number in 0..600 {
        let claims = with("padding", format!("{number}{}", "x".repeat(4096)).into());
        present(&authentication, &ED.token(&claims)).unwrap();
    }
    assert!(authentication.verdicts.weight() <= CACHE_BYTES);
    assert!(authentication.verdicts.len() < 600);
}

#[test]
fn one_authorization_header_with_a_bearer_token_is_wanted() {
    let token = EC.token(&claims());
    let mut twice = bearing(&token);
    twice.append(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    assert!(ours().authenticate(&twice, String::new, NOW).is_err());
    for value in [
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {token}, Bearer {token}"),
        "Bearer ".into(),
        format!("Bearer {token} x"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        assert!(ours().authenticate(&headers, String::new, NOW).is_err(), "{value}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("bearer {token}")).unwrap());
    assert!(ours().authenticate(&headers, String::new, NOW).is_ok(), "the scheme's case does not matter");
}

#[test]
fn without_a_token_nobody_comes_in_unless_anonymous_may() {
    let nothing = HeaderMap::new();
    assert_eq!(ours().authenticate(&nothing, String::new, NOW).unwrap_err(), Unauthenticated::MISSING);
    let mut both = section(&[&EC]);
    both.anonymous = true;
    let both = compile(&both);
    assert_eq!(&*both.authenticate(&nothing, String::new, NOW).unwrap().subject, "anonymous");
    assert!(present(&both, &OTHER.token(&claims())).is_err(), "a bad token is refused, not ignored");
    assert_eq!(&*present(&both, &EC.token(&claims())).unwrap().subject, "alice");
    let open = compile(&proto::Authentication { anonymous: true, ..Default::default() });
    assert_eq!(&*present(&open, "whatever").unwrap().subject, "anonymous");
}

#[test]
fn claims_are_renamed_as_declared_and_never_taken_from_elsewhere() {
    let identity = present(&ours(), &EC.token(&claims())).unwrap();
    assert_eq!(identity.claims["team"], json!(["eng"]));
    assert_eq!(identity.claims["groups"], json!(["eng"]));
    let mut own = without("groups");
    own["team"] = json!(["admin"]);
    let identity = present(&ours(), &EC.token(&own)).unwrap();
    assert_eq!(identity.claims.get("team"), None, "what the token calls `team` is not what the policy calls so");
}

#[test]
fn two_issuers_do_not_sign_for_each_other() {
    let mut two = section(&[&EC]);
    let mut second = section(&[&RSA]).jwt.remove(0);
    second.issuer = "https://second.example".into();
    two.jwt.push(second);
    let two = compile(&two);
    let by = |signer: &Signer, issuer: &str| present(&two, &signer.token(&with("iss", issuer.into())));
    assert!(by(&EC, ISSUER).is_ok() && by(&RSA, "https://second.example").is_ok());
    assert!(by(&RSA, ISSUER).is_err() && by(&EC, "https://second.example").is_err());
}

#[test]
fn keys_come_from_a_secret_or_the_section_says_what_is_missing() {
    let mut section = section(&[&EC]);
    let Some(proto::jwt::Jwks::Inline(document)) = section.jwt[0].jwks.take() else { unreachable!() };
    let from = proto::SecretKey { secret: "Secret/platform/keys".into(), key: "jwks".into() };
    section.jwt[0].jwks = Some(proto::jwt::Jwks::Secret(from));
    let find = |name: &str, key: &str| {
        ((name, key) == ("Secret/platform/keys", "jwks")).then(|| Bytes::from(document.clone()))
    };
    let authentication =
        Authentication::compile(&section, KeySource { secret: &find, ..KeySource::NONE }, Some(US.into())).unwrap();
    assert!(present(&authentication, &EC.token(&claims())).is_ok());

    let error = |section: &proto::Authentication| {
        Authentication::compile(section, KeySource::NONE, None).map(|_| ()).unwrap_err()
    };
    assert!(error(&section).contains("Secret/platform/keys has no key \"jwks\""));
    section.jwt[0].jwks = None;
    assert!(error(&section).contains("must be set"));
    assert!(error(&proto::Authentication::default()).contains("anonymous: true"));
}

#[test]
fn the_metadata_document_names_the_resource_and_who_issues_tokens() {
    let parse = |authentication: &Authentication| -> Value {
        serde_json::from_slice(&authentication.metadata_document(US)).unwrap()
    };
    assert_eq!(
        parse(&ours()),
        json!({"resource": US, "authorization_servers": [ISSUER], "bearer_methods_supported": ["header"]})
    );
    let mut section = section(&[&EC]);
    section.resource_metadata = Some(proto::ResourceMetadata {
        authorization_servers: vec!["https://login.example".into()],
        scopes_supported: vec!["mcp:read".into(), "mcp:call".into()],
    });
    let declared = compile(&section);
    assert_eq!(
        parse(&declared),
        json!({"resource": US, "authorization_servers": ["https://login.example"], "scopes_supported": ["mcp:read", "mcp:call"],
            "bearer_methods_supported": ["header"]})
    );
    assert!(declared.challenge("https://a/m", &Unauthenticated::MISSING).ends_with(r#"scope="mcp:read mcp:call""#));
}
