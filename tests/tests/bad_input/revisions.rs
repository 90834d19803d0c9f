//! What a client of one revision may not say, or not in this way.

use http::StatusCode;
use portolan_tests::request::{LEGACY, MODERN, Request};
use serde_json::Value;

use super::{World, call};

#[tokio::test]
async fn the_metadata_of_a_modern_request_is_required() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"alpha_echo","arguments":{}}}"#;
    let reply = world.refused("none", &call().body(body), 400, Some(-32602)).await;
    assert!(reply.message().contains("protocolVersion"), "{}", reply.text());
    let without = call().edit(r#","io.modelcontextprotocol/clientCapabilities":{}"#, "");
    let reply = world.refused("no capabilities", &without, 400, Some(-32602)).await;
    assert!(reply.message().contains("clientCapabilities"), "{}", reply.text());
    world.nothing_leaked();
    let anonymous = call().edit(r#""io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"#, "");
    assert_eq!(world.gateway.send(&anonymous).await?.status, StatusCode::OK, "clientInfo is not required");
    Ok(())
}

#[tokio::test]
async fn an_unknown_revision_is_answered_with_those_that_are_spoken() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let unknown = call().with("mcp-protocol-version", "v999.0.0").edit(MODERN, "v999.0.0");
    let reply = world.refused("both", &unknown, 400, Some(-32022)).await;
    let data = reply.json()["error"]["data"].clone();
    assert_eq!(data["requested"], "v999.0.0");
    let supported: Vec<_> = data["supported"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let discovered = world.gateway.send(&Request::modern("/mcp", "server/discover", "{}")).await?.json();
    for revision in [MODERN, LEGACY, "2025-06-18", "2025-03-26"] {
        assert!(supported.contains(&revision), "{revision}: {supported:?}");
    }
    assert_eq!(discovered["result"]["supportedVersions"], data["supported"], "discovery says the same");
    world.refused("only the metadata", &call().edit(MODERN, "v999.0.0"), 400, Some(-32020)).await;
    let legacy = world.legacy().await?.calling("alpha_echo", "{}");
    world.refused("an older client's", &legacy.with("mcp-protocol-version", "1999-01-01"), 400, Some(-32022)).await;
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn an_unknown_method_is_404_for_a_modern_client_and_200_in_a_session() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let (modern, legacy) = (world.modern(), world.legacy().await?);
    let unknown = ["tools/run", "Tools/Call", "prompts/get", "resources/read", "tasks/list", "completion/complete", ""];
    for method in unknown {
        let reply = world.refused(method, &modern.request(method, "{}"), 404, Some(-32601)).await;
        assert_eq!(reply.json()["id"], 1);
        world.refused(method, &legacy.request(method, "{}"), 200, Some(-32601)).await;
    }
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/result"] {
        world.refused(method, &modern.request(method, "{}"), 404, Some(-32601)).await;
    }
    world.refused("server/discover", &legacy.request("server/discover", "{}"), 200, Some(-32601)).await;
    // A name is what it is to the letter: nothing is trimmed, folded or unescaped into one that we know.
    for known in ["initialize", "ping", "tools/list", "tools/call", "server/discover"] {
        for method in [known.to_uppercase(), format!("{known}/"), format!("/{known}"), known.replace('i', "\\u0131")] {
            if method != known {
                world.refused(&method, &legacy.request(&method, "{}"), 200, Some(-32601)).await;
            }
        }
        for method in [format!("{known} "), format!(" {known}"), format!("{known}\\u0000"), format!("{known}\\u00a0")] {
            world.refused(&method, &legacy.request(&method, "{}"), 200, Some(-32601)).await;
        }
        let shouted = known.to_uppercase();
        world.refused(&shouted, &modern.request(&shouted, "{}"), 404, Some(-32601)).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_older_clients_means_nothing_in_a_modern_request() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let request = call().with("mcp-session-id", "no-such-session").with("last-event-id", "7");
    let reply = world.gateway.send(&request).await?;
    assert_eq!((reply.status, reply.tool_text().as_str()), (StatusCode::OK, "done"));
    assert!(reply.header("mcp-session-id").is_none());
    let seen = world.server.sees("tools/call").await;
    assert_eq!((seen.header("mcp-session-id"), seen.header("last-event-id")), (String::new(), String::new()));
    Ok(())
}
