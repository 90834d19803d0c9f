//! A mistake in a policy is told with its place and never opens a door; a session is its principal's own.

use http::StatusCode;
use portolan_tests::{
    agent::Agent,
    fleet::{Fleet, answers},
    identity::Issuer,
    manifests::{policy, route},
};
use serde_json::{Value, json};

use crate::setup::{Setup, TOOLS, open};

/// One rule that lets in whom `when` describes.
fn rule(when: &str) -> Value {
    json!({"authorization": {"rules": [{"name": "rule", "action": "Allow", "when": when}]}})
}

#[tokio::test]
async fn an_edit_that_does_not_compile_is_told_with_its_position_and_the_old_version_holds() -> anyhow::Result<()> {
    let setup = Setup::new("bad-edit").await?;
    let namespace = &setup.namespace;
    let good = policy("rules", "McpRoute/eng", &rule("tool.name == \"alpha_echo\""));
    namespace.apply(&good).await?;
    setup.agent.lists(&["alpha_echo"]).await;
    namespace.programmed(&[good]).await;

    namespace.apply(&policy("rules", "McpRoute/eng", &rule("true ||\n  tool.nam == \"x\""))).await?;
    let told = namespace.becomes("McpPolicy", "rules", "Accepted", "False", "InvalidExpression").await;
    let message = told["message"].as_str().unwrap_or_default();
    assert!(message.contains("spec.authorization.rules[0].when"), "{message}");
    assert!(message.contains("line 2") && message.contains("column"), "{message}");
    let held = namespace.becomes("McpPolicy", "rules", "Programmed", "False", "Held").await;
    assert!(
        held["message"].as_str().is_some_and(|text| text.contains("the last good version stays in force")),
        "{held}"
    );
    assert_eq!(setup.agent.names().await?, ["alpha_echo"]);
    assert_eq!(setup.agent.call("alpha_add", "{}").await?.code(), Some(-32602));

    namespace.apply(&policy("rules", "McpRoute/eng", &rule("tool.name == \"alpha_add\""))).await?;
    setup.agent.lists(&["alpha_add"]).await;
    namespace.becomes("McpPolicy", "rules", "Accepted", "True", "Accepted").await;
    Ok(())
}

#[tokio::test]
async fn a_new_policy_that_does_not_compile_closes_its_route_until_it_is_mended() -> anyhow::Result<()> {
    let setup = Setup::new("bad-new").await?;
    let (namespace, path) = (&setup.namespace, setup.namespace.path("new"));
    let agent = setup.fleet.agent(&path);
    // The mistake is there before the route is: nothing of it was ever good.
    namespace.apply_all(&[open("open-new", "new"), policy("rules", "McpRoute/new", &rule("tool.name =="))]).await?;
    namespace.apply(&route("new", &path, &["alpha"])).await?;
    namespace.becomes("McpPolicy", "rules", "Accepted", "False", "InvalidExpression").await;
    let list = agent.request("tools/list", "{}");
    let closed = answers("the route is closed", &agent, &list, |reply| reply.status != StatusCode::NOT_FOUND).await;
    assert_eq!((closed.status, closed.code()), (StatusCode::SERVICE_UNAVAILABLE, Some(-31503)), "{}", closed.text());
    let called = agent.call("alpha_echo", "{}").await?;
    assert_eq!(called.status, StatusCode::SERVICE_UNAVAILABLE, "{}", called.text());

    // A route that served is closed just the same.
    namespace.apply(&policy("more", "McpRoute/eng", &rule("nonsense.name"))).await?;
    let list = setup.agent.request("tools/list", "{}");
    answers("the old route is closed", &setup.agent, &list, |reply| reply.status == StatusCode::SERVICE_UNAVAILABLE)
        .await;

    namespace.apply(&policy("rules", "McpRoute/new", &rule("tool.name == \"alpha_echo\""))).await?;
    agent.lists(&["alpha_echo"]).await;
    Ok(())
}

#[tokio::test]
async fn what_an_edit_that_does_not_compile_adds_is_closed_and_the_rest_is_served() -> anyhow::Result<()> {
    let setup = Setup::new("bad-target").await?;
    let (namespace, path) = (&setup.namespace, setup.namespace.path("more"));
    let more = [route("more", &path, &["alpha"]), open("open-more", "more")];
    namespace.apply_all(&more).await?;
    let agent = setup.fleet.agent(&path);
    agent.lists(&TOOLS).await;
    let good = policy("rules", "McpRoute/eng", &rule("tool.name == \"alpha_echo\""));
    namespace.apply(&good).await?;
    setup.agent.lists(&["alpha_echo"]).await;

    let mut bad = policy("rules", "McpRoute/eng", &rule("tool.name =="));
    bad["spec"]["targetRefs"] = json!([{"kind": "McpRoute", "name": "eng"}, {"kind": "McpRoute", "name": "more"}]);
    namespace.apply(&bad).await?;
    let list = agent.request("tools/list", "{}");
    answers("the new target is closed", &agent, &list, |reply| reply.status == StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(setup.agent.names().await?, ["alpha_echo"], "the last good version holds where it was");

    namespace.apply(&good).await?;
    agent.lists(&TOOLS).await;
    assert_eq!(setup.agent.names().await?, ["alpha_echo"]);
    Ok(())
}

#[tokio::test]
async fn a_session_of_one_principal_is_refused_to_another() -> anyhow::Result<()> {
    let setup = Setup::new("principals").await?;
    let (namespace, path) = (&setup.namespace, setup.namespace.path("closed"));
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let authentication = json!({"authentication": {"jwt": issuer.jwt()}});
    namespace
        .apply_all(&[policy("auth", "McpRoute/closed", &authentication), route("closed", &path, &["alpha"])])
        .await?;
    let of =
        |fleet: &Fleet, subject: &str| Ok::<_, anyhow::Error>(fleet.agent(&path).with_token(&issuer.token(subject)?));
    let (ann, bob) = (of(&setup.fleet, "ann")?, of(&setup.fleet, "bob")?);
    ann.lists(&TOOLS).await;
    assert_eq!(setup.fleet.agent(&path).page(None).await?.status, StatusCode::UNAUTHORIZED);

    let ann = ann.initialized().await?;
    assert_eq!(ann.call("alpha_echo", r#"{"text":"mine"}"#).await?.tool_text(), "mine");
    let thief = Agent { session: ann.session.clone(), ..bob };
    let refused = thief.call("alpha_echo", "{}").await?;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
    assert_eq!(ann.call("alpha_echo", r#"{"text":"still"}"#).await?.tool_text(), "still");
    Ok(())
}
