//! A server that is down costs nobody else anything, and its tools stay listed for a while.

use portolan_tests::{
    fixture::Fixture,
    manifests::{merged, route, server},
    recorder::Speaks,
};
use serde_json::{Value, json};

use crate::setup::{Setup, TOOLS};

#[tokio::test]
async fn a_server_that_is_down_is_told_with_a_reason_and_harms_no_other() -> anyhow::Result<()> {
    let setup = Setup::new("down").await?;
    let namespace = &setup.namespace;
    let beta = Fixture::start(Speaks::Both).await?;
    let often = json!({"spec": {"health": {"interval": "1s", "timeout": "1s"}}});
    namespace.apply(&merged(server("beta", &beta.url()), &often)).await?;
    namespace.apply(&route("eng", setup.path(), &["alpha", "beta"])).await?;
    let names = TOOLS.map(|name| name.replace("alpha", "beta"));
    let all: Vec<&str> = TOOLS.into_iter().chain(names.iter().map(String::as_str)).collect();
    setup.agent.lists(&all).await;
    let says = r#"{"text":"hello"}"#;
    assert_eq!(setup.agent.call("beta_echo", says).await?.tool_text(), "hello");

    let address = beta.address;
    drop(beta);
    let down = namespace.becomes("McpServer", "beta", "Verified", "False", "Unreachable").await;
    assert!(!down["message"].as_str().unwrap_or_default().contains(&address.to_string()), "no address: {down}");
    let stale = |object: &Value| object["status"]["servers"][1]["state"] == "Stale";
    let told = namespace.until("McpRoute", "eng", "tells that beta is stale", stale).await;
    assert_eq!(told["status"]["servers"][0]["state"], "Serving");
    assert_eq!(told["status"]["servers"][1]["tools"], 8);
    assert_eq!(setup.agent.names().await?, all, "its tools stay listed");
    let failed = setup.agent.call("beta_echo", says).await?;
    assert!(failed.is_tool_error() && failed.tool_text().contains("beta"), "{}", failed.text());
    assert!(!failed.text().contains(&address.to_string()), "no address: {}", failed.text());
    assert_eq!(setup.agent.call("alpha_echo", says).await?.tool_text(), "hello");

    let _back = Fixture::start_at(address, Speaks::Both).await?;
    namespace.becomes("McpServer", "beta", "Verified", "True", "Verified").await;
    assert_eq!(setup.agent.call("beta_echo", says).await?.tool_text(), "hello");
    let serving = |object: &Value| object["status"]["servers"][1]["state"] == "Serving";
    namespace.until("McpRoute", "eng", "tells that beta serves", serving).await;
    Ok(())
}
