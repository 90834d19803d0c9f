//! Whose tools an endpoint shows and under which names, and where a call goes.

use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, object, route, server};
use portolan_tests::recorder::{Recorder, Speaks, tool, tool_with};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

/// An entry of `servers[]` with further members.
fn entry(name: &str, members: &Value) -> Value {
    merged(json!({"name": name, "serverRef": {"name": name}}), members)
}

fn route_of(path: &str, entries: &[Value], further: &Value) -> Value {
    object("McpRoute", "eng", &merged(json!({"path": path, "servers": entries}), further))
}

async fn two(first: &[&str], second: &[&str]) -> anyhow::Result<(Recorder, Recorder)> {
    let definitions = |names: &[&str]| names.iter().map(|name| tool(name)).collect::<Vec<_>>();
    let alpha = Recorder::start(Speaks::Both, &definitions(first)).await?;
    let beta = Recorder::start(Speaks::Both, &definitions(second)).await?;
    Ok((alpha, beta))
}

async fn gateway(alpha: &Recorder, beta: &Recorder, route: Value) -> anyhow::Result<(Standalone, Agent)> {
    let gateway = Standalone::start(&[server("alpha", &alpha.url()), server("beta", &beta.url()), route]).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    Ok((gateway, agent))
}

#[tokio::test]
async fn two_servers_are_one_catalogue_and_each_call_reaches_its_own() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["search", "read"], &["search"]).await?;
    let (_gateway, agent) = gateway(&alpha, &beta, route("eng", "/mcp", &["alpha", "beta"])).await?;
    agent.lists(&["alpha_search", "alpha_read", "beta_search"]).await;
    alpha.forget();
    beta.forget();
    assert_eq!(agent.call("beta_search", r#"{"text":"x"}"#).await?.tool_text(), "done");
    assert!(alpha.seen().is_empty(), "only beta was asked");
    let seen = beta.sees("tools/call").await;
    assert_eq!((seen.json()["params"]["name"].as_str(), seen.header("mcp-name").as_str()), (Some("search"), "search"));
    Ok(())
}

#[tokio::test]
async fn prefixes_and_overrides_give_names_and_descriptions() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["search_code", "other"], &["notes.read/all"]).await?;
    let overrides = json!({"prefix": "gh", "tools": {"overrides": [
        {"name": "search_code", "as": "code_search", "description": "Finds code."},
        {"name": "other", "description": "Does otherwise."},
    ]}});
    let entries = [entry("alpha", &overrides), entry("beta", &json!({"prefix": ""}))];
    let (_gateway, agent) = gateway(&alpha, &beta, route_of("/mcp", &entries, &json!({}))).await?;
    agent.lists(&["gh_code_search", "gh_other", "notes.read/all"]).await;
    let tools = agent.tools().await?;
    assert_eq!(tools[0]["description"], "Finds code.");
    assert_eq!(tools[1]["description"], "Does otherwise.");
    assert_eq!(tools[2]["description"], "The tool notes.read/all.");
    alpha.forget();
    assert_eq!(agent.call("gh_code_search", "{}").await?.tool_text(), "done");
    assert_eq!(alpha.sees("tools/call").await.json()["params"]["name"], "search_code");
    for absent in ["gh_search_code", "search_code", "alpha_search_code"] {
        assert_eq!(agent.call(absent, "{}").await?.code(), Some(-32602), "{absent}");
    }
    Ok(())
}

#[tokio::test]
async fn names_with_a_prefix_are_of_64_plain_characters_and_stable() -> anyhow::Result<()> {
    let long = "n".repeat(80);
    let (alpha, beta) = two(&["list all/things", &long], &["x"]).await?;
    let (_gateway, agent) = gateway(&alpha, &beta, route("eng", "/mcp", &["alpha"])).await?;
    let names =
        eventually("both tools are listed", async || agent.names().await.ok().filter(|names| names.len() == 2)).await;
    assert_eq!(names[0], "alpha_list_all_things");
    let whole = format!("alpha_{long}");
    assert_eq!((names[1].len(), &names[1][..56]), (64, format!("{}_", &whole[..55]).as_str()));
    alpha.forget();
    assert_eq!(agent.call(&names[1], "{}").await?.tool_text(), "done");
    assert_eq!(alpha.sees("tools/call").await.json()["params"]["name"], long);
    Ok(())
}

#[tokio::test]
async fn what_is_not_included_excluded_or_annotated_away_is_not_there() -> anyhow::Result<()> {
    let tools = [
        tool("get_a"),
        tool("get_secret"),
        tool("put_a"),
        tool_with("get_wipe", r#""annotations":{"idempotentHint":true},"#),
        tool_with("get_safe", r#""annotations":{"idempotentHint":false},"#),
    ];
    let alpha = Recorder::start(Speaks::Both, &tools).await?;
    let beta = Recorder::start(Speaks::Both, &[tool("x")]).await?;
    let selection =
        json!({"tools": {"include": ["get_*"], "exclude": ["*secret"], "excludeAnnotated": {"idempotentHint": true}}});
    let (_gateway, agent) = gateway(&alpha, &beta, route_of("/mcp", &[entry("alpha", &selection)], &json!({}))).await?;
    let names =
        eventually("tools are listed", async || agent.names().await.ok().filter(|names| !names.is_empty())).await;
    assert!(names.contains(&"alpha_get_safe".to_owned()), "{names:?}");
    for absent in ["alpha_get_secret", "alpha_put_a", "alpha_get_wipe"] {
        assert!(!names.contains(&absent.to_owned()), "{names:?}");
        alpha.forget();
        assert_eq!(agent.call(absent, "{}").await?.code(), Some(-32602), "{absent}");
        assert!(alpha.seen().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn of_two_tools_with_one_name_the_first_stays() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["search", "a"], &["b", "search"]).await?;
    let entries = [entry("alpha", &json!({"prefix": ""})), entry("beta", &json!({"prefix": ""}))];
    let (_gateway, agent) = gateway(&alpha, &beta, route_of("/mcp", &entries, &json!({}))).await?;
    agent.lists(&["search", "a", "b"]).await;
    beta.forget();
    agent.call("search", "{}").await?;
    assert!(beta.seen().is_empty(), "a copied name takes nothing over");
    Ok(())
}

#[tokio::test]
async fn with_conflict_reject_the_later_server_is_dropped_whole() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["search", "a"], &["b", "search"]).await?;
    let entries = [entry("alpha", &json!({"prefix": ""})), entry("beta", &json!({"prefix": ""}))];
    let reject = json!({"aggregation": {"conflict": "Reject"}});
    let (_gateway, agent) = gateway(&alpha, &beta, route_of("/mcp", &entries, &reject)).await?;
    agent.lists(&["search", "a"]).await;
    assert_eq!(agent.call("b", "{}").await?.code(), Some(-32602));
    Ok(())
}

#[tokio::test]
async fn a_large_catalogue_comes_in_pages_that_together_are_whole() -> anyhow::Result<()> {
    let names: Vec<_> = (0..900).map(|index| format!("tool_{index}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (alpha, beta) = two(&names, &names).await?;
    let (_gateway, agent) = gateway(&alpha, &beta, route("eng", "/mcp", &["alpha", "beta"])).await?;
    let listed =
        eventually("all are listed", async || agent.names().await.ok().filter(|listed| listed.len() == 1_800)).await;
    let expected: Vec<_> =
        ["alpha", "beta"].iter().flat_map(|prefix| names.iter().map(move |name| format!("{prefix}_{name}"))).collect();
    assert_eq!(listed, expected);
    let first = agent.page(None).await?.json();
    assert_eq!(first["result"]["tools"].as_array().map(Vec::len), Some(1_000));
    let cursor = first["result"]["nextCursor"].as_str().unwrap_or_default().to_owned();
    for bad in ["1000", "", &format!("{cursor}x"), &cursor[1..]] {
        let reply = agent.page(Some(bad)).await?;
        assert_eq!((reply.status.as_u16(), reply.code()), (200, Some(-32602)), "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_is_good_only_where_it_was_given() -> anyhow::Result<()> {
    let names: Vec<_> = (0..1_001).map(|index| format!("tool_{index}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (alpha, beta) = two(&names, &["x"]).await?;
    let objects = [
        server("alpha", &alpha.url()),
        server("beta", &beta.url()),
        route("eng", "/mcp", &["alpha"]),
        route("other", "/other", &["alpha"]),
    ];
    let gateway = Standalone::start(&objects).await?;
    let (agent, other) = (Agent::modern(&gateway, "/mcp"), Agent::modern(&gateway, "/other"));
    eventually("all are listed", async || agent.names().await.ok().filter(|names| names.len() == 1_001)).await;
    let first = agent.page(None).await?.json();
    let cursor = first["result"]["nextCursor"].as_str().unwrap_or_default();
    assert_eq!(other.page(Some(cursor)).await?.code(), Some(-32602), "on another route it is none");
    assert_eq!(agent.page(Some(cursor)).await?.json()["result"]["tools"][0]["name"], "alpha_tool_1000");
    Ok(())
}

#[tokio::test]
async fn lists_and_discovery_ask_no_server() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["a"], &["b"]).await?;
    let (gateway, agent) = gateway(&alpha, &beta, route("eng", "/mcp", &["alpha", "beta"])).await?;
    agent.lists(&["alpha_a", "beta_b"]).await;
    let legacy = Agent::legacy(&gateway, "/mcp").await?;
    alpha.forget();
    beta.forget();
    for agent in [&agent, &legacy] {
        agent.lists(&["alpha_a", "beta_b"]).await;
    }
    assert_eq!(agent.send(&agent.request("server/discover", "{}")).await?.status.as_u16(), 200);
    assert_eq!(legacy.send(&legacy.request("ping", "{}")).await?.json()["result"], json!({}));
    assert!(alpha.seen().is_empty() && beta.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_dead_servers_tools_stay_listed_and_the_others_serve() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["a"], &["b"]).await?;
    let often = json!({"spec": {"health": {"interval": "1s", "timeout": "500ms"}}});
    let objects = [
        merged(server("alpha", &alpha.url()), &often),
        merged(server("beta", &beta.url()), &often),
        route("eng", "/mcp", &["alpha", "beta"]),
    ];
    let gateway = Standalone::start(&objects).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    agent.lists(&["alpha_a", "beta_b"]).await;
    beta.stop();
    eventually("the gateway says that beta is not verified", async || {
        gateway.process.stdout().lines().any(|line| line.contains("Verified") && line.contains("False")).then_some(())
    })
    .await;
    assert_eq!(agent.names().await?, ["alpha_a", "beta_b"], "its tools are stale, not gone");
    assert_eq!(agent.call("alpha_a", "{}").await?.tool_text(), "done");
    assert!(agent.call("beta_b", "{}").await?.is_tool_error());
    Ok(())
}

#[tokio::test]
async fn with_stale_for_zero_a_dead_servers_tools_leave() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["a"], &["b"]).await?;
    let often = json!({"spec": {"health": {"interval": "1s", "timeout": "500ms"}}});
    let objects = [
        merged(server("alpha", &alpha.url()), &often),
        merged(server("beta", &beta.url()), &often),
        merged(route("eng", "/mcp", &["alpha", "beta"]), &json!({"spec": {"aggregation": {"staleFor": "0s"}}})),
        merged(
            route("all", "/all", &["alpha", "beta"]),
            &json!({"spec": {"aggregation": {"staleFor": "0s", "onServerFailure": "Fail"}}}),
        ),
    ];
    let gateway = Standalone::start(&objects).await?;
    let (agent, all) = (Agent::modern(&gateway, "/mcp"), Agent::modern(&gateway, "/all"));
    agent.lists(&["alpha_a", "beta_b"]).await;
    all.lists(&["alpha_a", "beta_b"]).await;
    beta.stop();
    agent.lists(&["alpha_a"]).await;
    let reply = eventually("all or nothing is nothing", async || {
        let reply = all.page(None).await.ok()?;
        reply.code().is_some().then_some(reply)
    })
    .await;
    assert_eq!((reply.status.as_u16(), reply.code()), (200, Some(-32603)), "{}", reply.text());
    Ok(())
}

#[tokio::test]
async fn a_changed_catalogue_is_listed_after_the_next_examination() -> anyhow::Result<()> {
    let (alpha, beta) = two(&["a"], &["b"]).await?;
    let often = json!({"spec": {"health": {"interval": "1s", "timeout": "500ms"}}});
    let objects =
        [merged(server("alpha", &alpha.url()), &often), server("beta", &beta.url()), route("eng", "/mcp", &["alpha"])];
    let gateway = Standalone::start(&objects).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    agent.lists(&["alpha_a"]).await;
    alpha.set_tools(&[tool("a"), tool("c")]);
    agent.lists(&["alpha_a", "alpha_c"]).await;
    Ok(())
}

#[tokio::test]
async fn definitions_reach_agents_as_the_server_wrote_them() -> anyhow::Result<()> {
    let odd = r#"{"name":"odd","x-unknown":{"n":12345678901234567890123,"f":1.50},"description":"The tool odd.","inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"type":"integer","maximum":1e300}},"$defs":{"z":{"anyOf":[true]}}}}"#;
    let alpha = Recorder::start(Speaks::Both, &[odd.to_owned()]).await?;
    let beta = Recorder::start(Speaks::Both, &[tool("x")]).await?;
    let (_gateway, agent) = gateway(&alpha, &beta, route("eng", "/mcp", &["alpha"])).await?;
    let expected = odd.replacen(r#""name":"odd""#, r#""name":"alpha_odd""#, 1);
    eventually("the definition is listed byte for byte", async || {
        agent.page(None).await.ok()?.text().contains(&expected).then_some(())
    })
    .await;
    Ok(())
}
