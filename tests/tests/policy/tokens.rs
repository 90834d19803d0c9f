//! Which tokens are taken.

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::identity::{Issuer, now};
use portolan_tests::manifests::{merged, policy, route, secret};
use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn only_a_token_that_is_right_in_every_part_is_taken() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    let issuer = &world.issuer;
    let stranger = Issuer::new(&issuer.url, &issuer.audience)?;
    let with = |claims: Value| issuer.token_with("ann", &claims);
    let without = |name: &str| {
        let mut claims = issuer.claims("ann");
        claims.as_object_mut().expect("claims are an object").remove(name);
        issuer.signed(&claims)
    };
    let good = issuer.token("ann")?;
    let (unsigned, rest) = good.rsplit_once('.').unwrap_or_default();
    let claims = issuer.claims("ann").to_string();
    let header = |members: Value| {
        issuer.with_header(&merged(json!({"alg": "ES256", "typ": "JWT", "kid": "one"}), &members), &claims)
    };
    let bad = [
        ("no signature, and says so", issuer.unsigned("ann")),
        ("signed with the public key", issuer.confused("ann")?),
        ("another key", stranger.token("ann")?),
        ("another audience", with(json!({"aud": "other"}))?),
        ("an audience that begins like ours", with(json!({"aud": "eng2"}))?),
        ("a list of others", with(json!({"aud": ["a", "b"]}))?),
        ("no audience", without("aud")?),
        ("another issuer", with(json!({"iss": "https://issuer.example/"}))?),
        ("no issuer", without("iss")?),
        ("no subject", without("sub")?),
        ("expired", with(json!({"exp": now() - 3600}))?),
        ("no end", without("exp")?),
        ("an end that is text", with(json!({"exp": "9999999999"}))?),
        ("not yet", with(json!({"nbf": now() + 3600}))?),
        (
            "two ends",
            issuer.with_header(
                &json!({"alg": "ES256", "kid": "one"}),
                &claims.replacen('{', r#"{"exp":9999999999,"#, 1),
            )?,
        ),
        (
            "an end beyond numbers",
            issuer.with_header(
                &json!({"alg": "ES256", "kid": "one"}),
                &claims.replace(&(now() + 3600).to_string(), "1e400"),
            )?,
        ),
        ("another key's name", header(json!({"kid": "../../etc/passwd"}))?),
        ("an unknown duty", header(json!({"crit": ["x"], "x": 1}))?),
        ("another algorithm", header(json!({"alg": "ES384"}))?),
        ("no signature", format!("{unsigned}.")),
        ("half a signature", format!("{unsigned}.{}", &rest[..rest.len() / 2])),
        ("a changed claim", good.replacen('.', ".A", 1)),
        ("two parts", unsigned.to_owned()),
        ("nothing", String::new()),
        ("very long", "x".repeat(20_000)),
    ];
    for (what, token) in bad {
        let agent = Agent::modern(&world.gateway, "/mcp").with_token(&token);
        let reply = agent.call("alpha_read", "{}").await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{what}: {}", reply.text());
        assert!(reply.header("www-authenticate").is_some_and(|told| told.contains("resource_metadata")), "{what}");
    }
    let ann = world.agent("ann", &json!({}))?;
    for scheme in ["Basic ", "bearer-", ""] {
        let request = ann.calling("alpha_read", "{}").with("authorization", format!("{scheme}{good}"));
        assert_eq!(ann.send(&request).await?.status, StatusCode::UNAUTHORIZED, "{scheme}");
    }
    let two = ann.calling("alpha_read", "{}").and("authorization", format!("Bearer {good}"));
    assert_eq!(ann.send(&two).await?.status, StatusCode::UNAUTHORIZED, "two tokens");
    let in_target = ann.calling("alpha_read", "{}").without("authorization").to(&format!("/mcp?access_token={good}"));
    assert_eq!(ann.send(&in_target).await?.status, StatusCode::UNAUTHORIZED, "a token in the target");
    assert!(world.server.seen().is_empty(), "nothing reached the server");
    for claims in [json!({}), json!({"aud": ["other", "eng"]})] {
        assert_eq!(world.agent("ann", &claims)?.call("alpha_read", "{}").await?.tool_text(), "done");
    }
    Ok(())
}

#[tokio::test]
async fn without_audiences_only_the_endpoints_own_url_is_one() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://own.example", "unused")?;
    let own = json!({"authentication": {"jwt": [{"issuer": issuer.url, "jwks": {"inline": issuer.jwks()}}]}});
    let world =
        World::start(&json!({}), &[route("own", "/own", &["alpha"]), policy("own", "McpRoute/own", &own)]).await?;
    let own_url = world.gateway.url("/own");
    for (audience, status) in
        [(own_url.as_str(), 200), ("eng", 401), (&world.gateway.url("/mcp"), 401), (&own_url[..own_url.len() - 1], 401)]
    {
        let token = issuer.token_with("ann", &json!({"aud": audience}))?;
        let reply = Agent::modern(&world.gateway, "/own").with_token(&token).call("alpha_read", "{}").await?;
        assert_eq!(reply.status.as_u16(), status, "{audience}: {}", reply.text());
    }
    Ok(())
}

#[tokio::test]
async fn keys_come_from_a_secret_too_and_a_removed_key_is_refused() -> anyhow::Result<()> {
    let (first, second) =
        (Issuer::new("https://secret.example", "eng")?, Issuer::new("https://secret.example", "eng")?);
    let spec = json!({"authentication": {"jwt": [
        {"issuer": first.url, "audiences": ["eng"], "jwks": {"secretRef": {"name": "keys", "key": "jwks"}}},
    ]}});
    let objects =
        [secret("keys", "jwks", &first.jwks()), route("own", "/own", &["alpha"]), policy("own", "McpRoute/own", &spec)];
    let world = World::start(&json!({}), &objects).await?;
    let agent = |issuer: &Issuer| {
        Ok::<_, anyhow::Error>(Agent::modern(&world.gateway, "/own").with_token(&issuer.token("ann")?))
    };
    let (old, new) = (agent(&first)?, agent(&second)?);
    assert_eq!(old.call("alpha_read", "{}").await?.tool_text(), "done");
    assert_eq!(new.call("alpha_read", "{}").await?.status, StatusCode::UNAUTHORIZED);
    world.gateway.apply(&secret("keys", "jwks", &second.jwks()))?;
    eventually("the new key is taken", async || new.names().await.ok()).await;
    assert_eq!(old.call("alpha_read", "{}").await?.status, StatusCode::UNAUTHORIZED, "a token that was taken before");
    Ok(())
}

#[tokio::test]
async fn anonymous_calls_are_taken_where_the_policy_says_so_and_bad_tokens_never() -> anyhow::Result<()> {
    let spec = json!({
        "authentication": {"anonymous": true},
        "authorization": {"rules": [
            {"name": "all-read", "action": "Allow", "when": "tool.name == \"alpha_read\""},
            {"name": "ann-writes", "action": "Allow", "when": "identity.subject == \"ann\""},
        ]},
    });
    let world = World::start(&spec, &[]).await?;
    let anonymous = Agent::modern(&world.gateway, "/mcp");
    assert_eq!(anonymous.names().await?, ["alpha_read"]);
    assert_eq!(anonymous.call("alpha_read", "{}").await?.tool_text(), "done");
    assert_eq!(anonymous.call("alpha_write", "{}").await?.code(), Some(-32602));
    assert_eq!(
        anonymous.clone().with_token("nonsense").call("alpha_read", "{}").await?.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.agent("ann", &json!({}))?.call("alpha_write", "{}").await?.tool_text(), "done");
    // A token may not call itself nobody.
    let impostor = world.agent("anonymous", &json!({}))?;
    assert_eq!(impostor.names().await?, ["alpha_read"]);
    let line = world
        .gateway
        .audited("an anonymous call", |line| line["method"] == "tools/call" && line["verdict"] == "allow")
        .await;
    assert_eq!(line["principal"], "anonymous");
    Ok(())
}
