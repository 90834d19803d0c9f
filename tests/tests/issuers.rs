//! Issuers that publish their keys: asked in the background and never because of what a token says, and their outages cost nobody a call.

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::{eventually, within};
use portolan_tests::identity::{Issuer, Keys, Published};
use portolan_tests::manifests::{policy, route, server};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::request::Reply;
use portolan_tests::standalone::Standalone;
use serde_json::json;

/// A gateway whose one route takes the tokens of an issuer that publishes its keys.
struct World {
    gateway: Standalone,
    issuer: Issuer,
    published: Published,
    server: Recorder,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let published = Published::start(issuer.jwks()).await?;
        let server = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
        let gateway = Standalone::start(&objects(&server, &issuer, &published.url())).await?;
        Ok(Self { gateway, issuer, published, server })
    }

    fn agent(&self, token: &str) -> Agent {
        Agent::modern(&self.gateway, "/mcp").with_token(token)
    }

    async fn call(&self, issuer: &Issuer) -> anyhow::Result<Reply> {
        self.agent(&issuer.token("ann")?).call("alpha_echo", "{}").await
    }

    async fn takes(&self, what: &str, issuer: &Issuer) {
        eventually(what, async || (self.call(issuer).await.ok()?.status == StatusCode::OK).then_some(())).await;
    }

    async fn refuses(&self, what: &str, issuer: &Issuer) {
        let refused = async || (self.call(issuer).await.ok()?.status == StatusCode::UNAUTHORIZED).then_some(());
        eventually(what, refused).await;
    }
}

fn objects(recorder: &Recorder, issuer: &Issuer, url: &str) -> [serde_json::Value; 3] {
    let jwt = issuer.jwt_from(&json!({"remote": {"url": url}}));
    [
        server("alpha", &recorder.url()),
        route("eng", "/mcp", &["alpha"]),
        policy("auth", "McpRoute/eng", &json!({"authentication": {"jwt": jwt}})),
    ]
}

#[tokio::test]
async fn a_gateway_that_is_ready_has_the_published_keys() -> anyhow::Result<()> {
    let world = World::start().await?;
    assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK, "the very first call");
    assert_eq!(world.published.asked(), 1);
    let stranger = Issuer::new(&world.issuer.url, &world.issuer.audience)?;
    assert_eq!(world.call(&stranger).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn five_thousand_tokens_with_unknown_keys_are_refused_at_once_and_ask_the_issuer_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.server.forget();
    // Whoever asks waits for ever: nobody may wait with it.
    world.published.answer(Keys::Silence);
    let calls = (0..50).map(|batch| {
        let world = &world;
        async move {
            for number in 0..100 {
                let stranger = world.issuer.rotated(&format!("unknown-{batch}-{number}"))?;
                let reply = world.call(&stranger).await?;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{}", reply.text());
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    futures::future::try_join_all(calls).await?;
    assert!(world.published.asked() <= 2, "asked {} times", world.published.asked());
    assert!(world.server.seen().is_empty());
    assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK, "good tokens go on");
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_new_is_learned_and_one_that_is_gone_is_forgotten() -> anyhow::Result<()> {
    let world = World::start().await?;
    assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK);
    let next = world.issuer.rotated("two")?;
    world.published.answer(Keys::Set(next.jwks()));
    assert_eq!(world.call(&next).await?.status, StatusCode::UNAUTHORIZED, "the call that shows it does not wait");
    world.takes("the new key is known", &next).await;
    world.refuses("the old key is no longer", &world.issuer).await;
    Ok(())
}

#[tokio::test]
async fn an_open_stream_ends_when_the_key_of_its_token_is_withdrawn() -> anyhow::Result<()> {
    let world = World::start().await?;
    let agent = world.agent(&world.issuer.token("ann")?).initialized().await?;
    let mut stream = agent.stream(&agent.listening()).await?;
    let next = world.issuer.rotated("two")?;
    world.published.answer(Keys::Set(next.jwks()));
    world.call(&next).await?;
    within("the stream ends", async {
        while stream.bytes().await?.is_some() {}
        Ok::<_, anyhow::Error>(())
    })
    .await
}

#[tokio::test]
async fn whatever_an_issuer_answers_its_last_good_keys_go_on() -> anyhow::Result<()> {
    let redirect = Keys::Status(302, Some(("location", "http://169.254.169.254/latest/meta-data/".to_owned())));
    let many = |key: &str| Keys::Set(format!(r#"{{"keys":[{}]}}"#, vec![key; 10_000].join(",")));
    let answers = [
        Keys::Status(404, None),
        Keys::Status(500, None),
        redirect,
        Keys::Set(" ".repeat(10 << 20)),
        many(r#"{"kty":"EC","crv":"P-256","kid":"x","x":"","y":""}"#),
        Keys::Set("<html>".to_owned()),
    ];
    for answer in answers {
        let world = World::start().await?;
        world.published.answer(answer.clone());
        world.call(&world.issuer.rotated("unknown")?).await?;
        // The first because of the unknown key, the second because the first was no answer.
        let asked = async || (world.published.asked() > 2).then_some(());
        eventually(&format!("asked again: {answer:.80?}"), asked).await;
        assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK, "{answer:.80?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_starts_while_the_issuer_is_down_has_the_keys_of_before() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK);
    let kept = world.gateway.data().join("key-sets.bin");
    eventually("the keys are kept", async || kept.exists().then_some(())).await;
    world.published.stop();
    world.gateway.restart().await?;
    assert_eq!(world.call(&world.issuer).await?.status, StatusCode::OK, "the very first call");
    let stranger = world.issuer.rotated("one")?;
    assert_eq!(world.call(&stranger).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_was_never_there_keeps_nobody_from_starting_and_lets_nobody_in() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let recorder = Recorder::start(Speaks::Legacy, &[tool("echo")]).await?;
    // Nothing listens there, and the second may not even be asked.
    for url in ["http://127.0.0.1:1/keys", "http://169.254.169.254/keys"] {
        let gateway = Standalone::start(&objects(&recorder, &issuer, url)).await?;
        let agent = Agent::modern(&gateway, "/mcp").with_token(&issuer.token("ann")?);
        let reply = agent.call("alpha_echo", "{}").await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{url}: {}", reply.text());
        let metrics = gateway.admin("/metrics").await?.text();
        assert!(metrics.contains("portolan_key_set_fetches_total{outcome="), "{metrics}");
    }
    Ok(())
}
