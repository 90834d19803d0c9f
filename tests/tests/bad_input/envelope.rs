//! What is no message of the protocol, or none that everybody reads alike.

use http::{Method, StatusCode};
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::policy;
use portolan_tests::request::{MODERN, Request};
use serde_json::json;

use super::{World, call};

#[tokio::test]
async fn what_is_not_json_is_400_parse_error() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let utf16: Vec<u8> = r#"{"jsonrpc":"2.0"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        br#"{"jsonrpc":"2.0","id":1,"method":}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"} x"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}{}"#,
        br#"{'jsonrpc':"2.0"}"#,
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\xff\"}",
        br#"{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":[1,]}}"#,
        br#"{"jsonrpc":"2.0","id":01,"method":"tools/list"}"#,
        &utf16,
    ];
    for body in bodies {
        world.refused(&String::from_utf8_lossy(body), &call().body(body), 400, Some(-32700)).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_batch_is_refused_whatever_is_in_it() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let legacy = world.legacy().await?;
    for agent in [world.modern(), legacy] {
        let one = agent.calling("alpha_echo", "{}");
        let inner = String::from_utf8_lossy(&one.body).into_owned();
        for body in ["[]".to_owned(), format!("[{inner}]"), format!("[{inner},{inner}]"), format!("[[{inner}]]")] {
            world.refused(&body, &one.clone().body(&body), 400, Some(-32600)).await;
        }
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn json_that_is_no_request_is_400() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let bodies = [
        "1",
        "null",
        r#""tools/list""#,
        "{}",
        r#"{"id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}"#,
    ];
    for body in bodies {
        world.refused(body, &call().body(body), 400, Some(-32600)).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn an_id_is_a_string_or_an_integer() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let digits = "9".repeat(400);
    for id in ["1.0", "1e2", "1e400", "null", "true", "[1]", "{}", "9223372036854775808", &digits] {
        world.refused(id, &call().id(id), 400, Some(-32600)).await;
    }
    world.nothing_leaked();
    for id in [r#""1""#, "-7", "9223372036854775807", r#""\u0061\n""#, r#""""#] {
        let reply = world.gateway.send(&call().id(id)).await?;
        assert!(
            reply.text().contains(&format!(r#""id":{id},"#)),
            "{id} comes back as it was written: {}",
            reply.text()
        );
    }
    Ok(())
}

#[tokio::test]
async fn two_readers_cannot_read_a_message_differently() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let edits = [
        (r#""id":1"#, r#""id":1,"id":2"#),
        (r#""method":"tools/call""#, r#""method":"tools/call","method":"tools/call""#),
        (r#""method":"tools/call""#, r#""method":"tools/call","\u006dethod":"tools/list""#),
        (r#""method":"tools/call""#, r#""method":"tools/call","Method":"tools/list""#),
        (r#""method":"tools/call""#, r#""method":"tools/call","method\u0000":"tools/list""#),
        (r#""name":"alpha_echo""#, r#""name":"alpha_echo","name":"alpha_hidden""#),
        (r#""name":"alpha_echo""#, r#""name":"alpha_echo","n\u0061me":"alpha_hidden""#),
        (r#""name":"alpha_echo""#, r#""name":"alpha_echo","NAME":"alpha_hidden""#),
        (r#""name":"alpha_echo""#, r#""name":"alpha_echo","name\u0000":"alpha_hidden""#),
        (r#""arguments":"#, r#""Arguments":{},"arguments":"#),
        (r#""params":{"#, r#""Params":{},"params":{"#),
        // U+017F folds to s.
        (r#""params":{"#, r#""paramſ":{},"params":{"#),
        (r#""_meta":{"#, r#""_Meta":{},"_meta":{"#),
        (r#""_meta":{"#, r#""_meta":{},"_meta":{"#),
        (r#""_meta":{"#, r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","#),
    ];
    for (from, to) in edits {
        let reply = world.gateway.send(&call().edit(from, to)).await?;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{to}: {}", reply.text());
        assert!(matches!(reply.code(), Some(-32700 | -32600)), "{to}: {}", reply.text());
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn depth_is_bounded_and_arguments_below_the_bound_pass() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [70, 10_000] {
        let request = call().edit(r#""text":"canary""#, &format!(r#""text":{}"#, nested(depth)));
        world.refused(&depth.to_string(), &request, 400, Some(-32700)).await;
    }
    world.nothing_leaked();
    let request = call().edit(r#""text":"canary""#, &format!(r#""text":{}"#, nested(50)));
    assert_eq!(world.gateway.send(&request).await?.status, StatusCode::OK);
    assert!(world.server.sees("tools/call").await.text().contains(&nested(50)));
    Ok(())
}

#[tokio::test]
async fn of_several_faults_the_first_in_the_protocols_order_is_told() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let world =
        World::with(&[policy("auth", "McpRoute/eng", &json!({"authentication": {"jwt": issuer.jwt()}}))]).await?;
    let token = issuer.token("ann")?;
    world.modern().with_token(&token).lists(&["alpha_echo"]).await;
    world.server.forget();
    let method = Request::modern("/mcp", "tools/run", "{}").token(Some(&token));
    // Each request has the fault of its row and of all rows above it.
    let name = method.clone().with("mcp-method", "tools/list");
    let meta = name.clone().edit(r#","io.modelcontextprotocol/clientCapabilities":{}"#, "");
    let version = meta.clone().edit(MODERN, "v999.0.0").with("mcp-protocol-version", "v999.0.0");
    let mismatch = version.clone().with("mcp-protocol-version", MODERN);
    let shape = mismatch.clone().edit(r#""jsonrpc":"2.0""#, r#""jsonrpc":"1.0""#);
    let grammar = shape.clone().edit(r#""id":1"#, r#""id":01"#);
    let accept = grammar.clone().with("accept", "text/html");
    let media = accept.clone().with("content-type", "text/plain");
    let nobody = media.clone().without("authorization");
    let origin = nobody.clone().with("origin", "https://evil.example");
    let wrong = origin.clone().by(Method::PUT);
    let ladder = [
        ("method", method, 404, Some(-32601)),
        ("mirrored headers", name, 400, Some(-32020)),
        ("metadata", meta, 400, Some(-32602)),
        ("version", version, 400, Some(-32022)),
        ("version header", mismatch, 400, Some(-32020)),
        ("shape", shape, 400, Some(-32600)),
        ("grammar", grammar, 400, Some(-32700)),
        ("accept", accept, 406, None),
        ("content type", media, 415, None),
        ("token", nobody, 401, None),
        ("origin", origin, 403, None),
        ("HTTP method", wrong, 405, None),
    ];
    for (what, request, status, code) in ladder {
        world.refused(what, &request, status, code).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_notification_is_accepted_and_stays_here() -> anyhow::Result<()> {
    let world = World::settled().await?;
    for agent in [world.modern(), world.legacy().await?] {
        for method in ["notifications/cancelled", "notifications/roots/list_changed", "notifications/of-tomorrow"] {
            let reply = agent.notify(method, r#"{"requestId":1}"#).await?;
            assert_eq!((reply.status, reply.body.len()), (StatusCode::ACCEPTED, 0), "{method}: {}", reply.text());
        }
    }
    world.nothing_leaked();
    Ok(())
}
