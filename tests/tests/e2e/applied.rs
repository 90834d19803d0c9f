//! From `kubectl apply` to an answered call.

use portolan_tests::{
    cluster::Cluster,
    fleet::EXTERNAL_URL,
    namespace::condition,
    official::{Run, Sdk, rmcp},
};
use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};

use crate::setup::{Setup, TOOLS};

#[tokio::test]
async fn what_is_applied_is_acknowledged_by_the_gateway_and_status_tells_it() -> anyhow::Result<()> {
    let setup = Setup::new("applied").await?;
    let namespace = &setup.namespace;
    let server = namespace.becomes("McpServer", "alpha", "Verified", "True", "Verified").await;
    assert_eq!(server["message"], "8 tools, revision 2026-07-28");
    let server = namespace.get("McpServer", "alpha").await?["status"].clone();
    assert_eq!(server["serverInfo"]["name"], "fixture");
    assert_eq!(server["serverInfo"]["revisions"][0], "2026-07-28");
    assert!(
        server["serverInfo"]["revisions"].as_array().is_some_and(|all| all.contains(&json!("2025-11-25"))),
        "{server}"
    );
    assert_eq!(server["catalogue"]["tools"], 8);
    let digest = server["catalogue"]["digest"].as_str().unwrap_or_default();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");

    let shows_tools = |object: &Value| object["status"]["servers"][0]["state"] == "Serving";
    let route = namespace.until("McpRoute", "eng", "serves the server", shows_tools).await;
    let parent = &route["status"]["parents"][0];
    let programmed = condition(&route, "Programmed").expect("it is programmed");
    assert!(programmed["message"].as_str().is_some_and(|text| text.starts_with("1/1 gateway pods")), "{programmed}");
    assert_eq!(parent["dataPlane"]["generation"], 1);
    assert_eq!((&parent["dataPlane"]["acknowledged"], &parent["dataPlane"]["total"]), (&json!(1), &json!(1)));
    assert!(parent["dataPlane"]["propagation"].is_string(), "{parent}");
    assert_eq!(route["status"]["servers"][0], json!({"name": "alpha", "tools": 8, "hidden": 0, "state": "Serving"}));
    assert_eq!(route["status"]["endpoint"], format!("{EXTERNAL_URL}{}", setup.path()));
    assert_eq!(condition(&route, "PolicyAffected").expect("a policy applies")["message"], "by McpPolicy open");
    let policy = namespace.becomes("McpPolicy", "open", "Programmed", "True", "Programmed").await;
    assert!(policy["message"].as_str().is_some_and(|text| text.starts_with("1/1 gateway pods")), "{policy}");
    Ok(())
}

#[tokio::test]
async fn rmcp_lists_and_calls_in_both_eras() -> anyhow::Result<()> {
    let setup = Setup::new("rmcp").await?;
    for modern in [true, false] {
        let client = rmcp(&setup.fleet.url(setup.path()), modern, None).await?;
        let names: Vec<String> =
            client.list_all_tools().await?.into_iter().map(|tool| tool.name.into_owned()).collect();
        assert_eq!(names, TOOLS, "modern: {modern}");
        let arguments = json!({"a": 2, "b": 3}).as_object().cloned().unwrap_or_default();
        let called = client.call_tool(CallToolRequestParams::new("alpha_add").with_arguments(arguments)).await?;
        assert_eq!(serde_json::to_value(&called)?["content"][0]["text"], "5", "modern: {modern}");
        client.cancel().await?;
    }
    Ok(())
}

async fn lists_and_calls(sdk: Sdk) -> anyhow::Result<()> {
    let setup = Setup::new("sdk").await?;
    let url = setup.fleet.url(setup.path());
    for protocol in ["auto", "2025-11-25", "2026-07-28"] {
        let client = Run { sdk, url: &url, protocol, token: None };
        let listed = client.go(&["list"]).await?;
        assert_eq!(listed["tools"], json!(TOOLS), "{protocol}: {listed}");
        let called = client.go(&["call", "alpha_add", r#"{"a":2,"b":3}"#]).await?;
        assert_eq!(called["content"][0]["text"], "5", "{protocol}: {called}");
    }
    Ok(())
}

#[tokio::test]
async fn the_typescript_client_lists_and_calls() -> anyhow::Result<()> {
    lists_and_calls(Sdk::TypeScript).await
}

#[tokio::test]
async fn the_python_client_lists_and_calls() -> anyhow::Result<()> {
    lists_and_calls(Sdk::Python).await
}

#[tokio::test]
async fn transitions_are_events() -> anyhow::Result<()> {
    let setup = Setup::new("events").await?;
    let namespace = &setup.namespace;
    setup.upstream.stop();
    namespace.apply(&portolan_tests::manifests::server("alpha", "http://127.0.0.1:9/mcp")).await?;
    namespace.becomes("McpServer", "alpha", "Verified", "False", "Unreachable").await;
    let wanted = [
        ("McpServer/alpha", "Normal", "Verified", "Verified"),
        ("McpServer/alpha", "Normal", "Programmed", "Programmed"),
        ("McpServer/alpha", "Warning", "Verified", "Unreachable"),
        ("McpRoute/eng", "Normal", "Accepted", "Accepted"),
        ("McpRoute/eng", "Normal", "Programmed", "Programmed"),
        ("McpPolicy/open", "Normal", "Programmed", "Programmed"),
    ];
    let told = async || {
        let arguments = ["get", "events.events.k8s.io", "-n", &namespace.name, "-o", "json"];
        let text = Cluster::shared().ok()?.kubectl(&arguments).await.ok()?;
        let events: Value = serde_json::from_str(&text).ok()?;
        let events = events["items"].as_array().cloned().unwrap_or_default();
        let told = |(object, kind, action, reason): &(&str, &str, &str, &str)| {
            events.iter().any(|event| {
                let regarding =
                    format!("{}/{}", text_of(&event["regarding"]["kind"]), text_of(&event["regarding"]["name"]));
                regarding == *object
                    && event["type"] == *kind
                    && event["action"] == *action
                    && event["reason"] == *reason
            })
        };
        wanted.iter().all(told).then_some(())
    };
    portolan_tests::eventually::eventually("every transition has an event", told).await;
    Ok(())
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
