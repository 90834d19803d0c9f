//! Objects are edited and deleted while agents call.

use http::StatusCode;
use portolan_tests::{fleet::answers, load::Load, manifests::server};
use serde_json::json;

use crate::setup::{Setup, TOOLS, route_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_filter_is_edited_under_load_and_no_call_fails() -> anyhow::Result<()> {
    let setup = Setup::new("filter").await?;
    let agents = vec![setup.agent.clone(), setup.agent.clone().initialized().await?];
    let load = Load::start(agents, "alpha_echo");
    for _ in 0..3 {
        load.makes(20).await;
        let narrow = json!({"tools": {"include": ["e*", "a*"], "exclude": ["add"]}});
        setup.namespace.apply(&route_with(setup.path(), &narrow)).await?;
        setup.agent.lists(&["alpha_echo"]).await;
        load.makes(20).await;
        setup.namespace.apply(&route_with(setup.path(), &json!({}))).await?;
        setup.agent.lists(&TOOLS).await;
    }
    load.finish().await?;
    Ok(())
}

#[tokio::test]
async fn a_hidden_tool_cannot_be_called() -> anyhow::Result<()> {
    let setup = Setup::new("hidden").await?;
    setup.namespace.apply(&route_with(setup.path(), &json!({"tools": {"exclude": ["echo"]}}))).await?;
    setup.agent.lists(&TOOLS[1..]).await;
    let (hidden, absent) =
        (setup.agent.call("alpha_echo", "{}").await?, setup.agent.call("alpha_nothing", "{}").await?);
    assert_eq!(hidden.code(), Some(-32602), "{}", hidden.text());
    assert_eq!(hidden.text().replace("echo", "nothing"), absent.text());
    Ok(())
}

#[tokio::test]
async fn a_deleted_server_takes_its_tools_along_and_a_deleted_route_its_path() -> anyhow::Result<()> {
    let setup = Setup::new("deleted").await?;
    let namespace = &setup.namespace;
    let other = portolan_tests::fixture::Fixture::start(portolan_tests::recorder::Speaks::Modern).await?;
    let both = portolan_tests::manifests::route("eng", setup.path(), &["alpha", "beta"]);
    namespace.apply_all(&[server("beta", &other.url()), both]).await?;
    let beta = TOOLS.map(|name| name.replace("alpha", "beta"));
    let all: Vec<&str> = TOOLS.into_iter().chain(beta.iter().map(String::as_str)).collect();
    setup.agent.lists(&all).await;

    namespace.delete("McpServer", "beta").await?;
    setup.agent.lists(&TOOLS).await;
    namespace.becomes("McpRoute", "eng", "ResolvedRefs", "False", "BackendNotFound").await;

    namespace.delete("McpRoute", "eng").await?;
    let ping = setup.agent.request("tools/list", "{}");
    answers("the route is gone", &setup.agent, &ping, |reply| reply.status == StatusCode::NOT_FOUND).await;
    Ok(())
}
