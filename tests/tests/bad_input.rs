//! Every refusal: its status, its code, its words, and that nothing of the request reached a server.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use portolan_dataplane::config::ConfigSource;
use portolan_dataplane::drain::Times;
use portolan_dataplane::gateway::Gateway;
use portolan_dataplane::limits::Limits;
use portolan_dataplane::options::Settings;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::{merged, policy, route, server};
use portolan_tests::recorder::{Answer, RESULT, Recorder, Speaks, tool};
use portolan_tests::request::{LEGACY, MODERN, Reply, Request, raw};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

/// A gateway before one server that writes everything down.
struct World {
    gateway: Standalone,
    server: Recorder,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    async fn with(further: &[Value]) -> anyhow::Result<Self> {
        let recorder = Recorder::start(Speaks::Both, &[tool("echo"), tool("hidden")]).await?;
        let exclude = json!({"spec": {"servers": [
            {"name": "alpha", "serverRef": {"name": "alpha"}, "tools": {"exclude": ["hidden"]}},
        ]}});
        let mut objects = vec![server("alpha", &recorder.url()), merged(route("eng", "/mcp", &["alpha"]), &exclude)];
        objects.extend_from_slice(further);
        let world = Self { gateway: Standalone::start(&objects).await?, server: recorder };
        Ok(world)
    }

    /// Ready, and with nothing in the book yet.
    async fn settled() -> anyhow::Result<Self> {
        let world = Self::start().await?;
        world.modern().lists(&["alpha_echo"]).await;
        world.server.forget();
        Ok(world)
    }

    fn modern(&self) -> Agent {
        Agent::modern(&self.gateway, "/mcp")
    }

    async fn legacy(&self) -> anyhow::Result<Agent> {
        let agent = Agent::legacy(&self.gateway, "/mcp").await?;
        self.server.sees("notifications/initialized").await;
        self.server.forget();
        Ok(agent)
    }

    fn address(&self) -> SocketAddr {
        self.gateway.addresses.listen
    }

    /// Sends a request that must be refused so.
    async fn refused(&self, what: &str, request: &Request, status: u16, code: Option<i64>) -> Reply {
        let reply = self.gateway.send(request).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text());
        reply
    }

    /// Sends a call that must be taken, and forgets it.
    async fn taken(&self, what: &str, request: &Request) {
        let reply = self.gateway.send(request).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        assert_eq!(reply.status, StatusCode::OK, "{what}: {}", reply.text());
        self.server.forget();
    }

    fn nothing_leaked(&self) {
        let seen = self.server.seen();
        assert!(seen.is_empty(), "a server was sent {seen:?}");
    }
}

fn call() -> Request {
    Request::modern("/mcp", "tools/call", r#"{"name":"alpha_echo","arguments":{"text":"canary"}}"#)
}

#[tokio::test]
async fn only_the_exact_path_of_a_route_is_an_endpoint() -> anyhow::Result<()> {
    let world = World::settled().await?;
    for path in
        ["/", "/nope", "/mcp/", "//mcp", "/./mcp", "/x/../mcp", "/MCP", "/mcp;x", "/%6dcp", "/mcp%2f", "/mcp%00"]
    {
        world.refused(path, &call().to(path), 404, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_method_that_an_endpoint_does_not_have_is_405_and_says_which_it_has() -> anyhow::Result<()> {
    let world = World::settled().await?;
    for method in [Method::PUT, Method::PATCH, Method::OPTIONS, Method::HEAD] {
        let reply = world.refused(method.as_str(), &call().by(method.clone()), 405, None).await;
        assert!(reply.header("allow").is_some_and(|allow| allow.contains("POST")), "{method}");
    }
    for method in [Method::GET, Method::DELETE] {
        let request = Request::get("/mcp").by(method.clone()).with("accept", "text/event-stream");
        let reply = world.refused(method.as_str(), &request, 405, None).await;
        assert!(reply.header("allow").is_some_and(|allow| allow.contains("POST")), "{method}");
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn only_json_is_read_and_only_for_who_can_read_both_kinds_of_answer() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let kinds = ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", "multipart/form-data", ""];
    for kind in kinds {
        world.refused(kind, &call().with("content-type", kind), 415, None).await;
    }
    world.refused("no content type", &call().without("content-type"), 415, None).await;
    world.refused("two content types", &call().and("content-type", "application/json"), 415, None).await;
    for encoding in ["gzip", "br", "gzip, gzip"] {
        world.refused(encoding, &call().with("content-encoding", encoding), 415, None).await;
    }
    for accept in ["application/json", "text/event-stream", "text/html"] {
        world.refused(accept, &call().with("accept", accept), 406, None).await;
    }
    world.nothing_leaked();
    for accept in ["*/*", "text/event-stream;q=0.5, application/json"] {
        let reply = world.gateway.send(&call().with("accept", accept)).await?;
        assert_eq!(reply.status, StatusCode::OK, "{accept}");
    }
    Ok(())
}

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
async fn every_mirrored_header_must_agree_with_the_body() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let headers = [
        ("mcp-protocol-version", MODERN, "2025-11-25"),
        ("mcp-method", "tools/call", "tools/list"),
        ("mcp-name", "alpha_echo", "alpha_hidden"),
    ];
    for (name, right, wrong) in headers {
        let cases = [
            ("absent", call().without(name)),
            ("empty", call().with(name, "")),
            ("wrong", call().with(name, wrong)),
            ("in other letters", call().with(name, right.to_uppercase() + "X")),
            ("long", call().with(name, right.repeat(800))),
            ("as base64 of itself in base64", call().with(name, "=?base64?PT9iYXNlNjQ/WVd4d2FHRmZaV05vYnc9PT89?=")),
            ("twice", call().and(name, right)),
            ("twice, the second wrong", call().and(name, wrong)),
            ("twice, the first wrong", call().with(name, wrong).and(name, right)),
            ("a list", call().with(name, format!("{right}, {right}"))),
            ("not text", call().with(name, b"\xc3\xa9".as_slice())),
            ("with an underscore beside", call().and(&name.replace('-', "_"), right)),
            ("with a wrong underscore beside", call().and(&name.replace('-', "_"), wrong)),
        ];
        for (what, request) in cases {
            world.refused(&format!("{name} {what}"), &request, 400, Some(-32020)).await;
        }
        let padded = format!(" \t{right}\t ");
        world.taken(&format!("{name} between blanks"), &call().with(name, padded)).await;
        // The listener refuses it before anybody reads the message.
        world.refused(&format!("{name} to be dropped on the way"), &call().and("connection", name), 400, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn the_headers_of_methods_that_are_not_calls_must_agree_too() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let modern = world.modern();
    let list = modern.request("tools/list", "{}");
    let prompt = modern.request("prompts/get", r#"{"name":"x"}"#);
    let resource = modern.request("resources/read", r#"{"uri":"file:///x"}"#);
    let unknown = modern.request("acme/run", r#"{"name":"x"}"#);
    let cases = [
        ("a list of another method", list.clone().with("mcp-method", "tools/call")),
        ("a list with a name", list.clone().with("mcp-name", "alpha_echo")),
        ("a prompt without its name", prompt.clone()),
        ("a prompt of another name", prompt.clone().with("mcp-name", "y")),
        ("a resource without its uri", resource.clone()),
        ("a resource of another uri", resource.clone().with("mcp-name", "file:///y")),
        ("an unknown method of another name", unknown.clone().with("mcp-method", "acme/stop")),
        ("an unknown method without one", unknown.clone().without("mcp-method")),
    ];
    for (what, request) in cases {
        world.refused(what, &request, 400, Some(-32020)).await;
    }
    for (what, request) in [
        ("a prompt", prompt.with("mcp-name", "x")),
        ("a resource", resource.with("mcp-name", "file:///x")),
        ("an unknown method", unknown),
    ] {
        world.refused(what, &request, 404, Some(-32601)).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_trailer_says_nothing() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let request = |left_out: &str, trailer: &str| {
        let kept = call().without(left_out);
        let fields: String = kept
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value)))
            .collect();
        let body = String::from_utf8_lossy(&kept.body).into_owned();
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{fields}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n{trailer}\r\n",
            world.address(),
            body.len()
        )
    };
    for (name, value) in [("mcp-name", "alpha_echo"), ("mcp-method", "tools/call"), ("mcp-protocol-version", MODERN)] {
        let answer = raw(world.address(), request(name, &format!("{name}: {value}\r\n")).as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("-32020"), "{name}: {answer}");
    }
    world.nothing_leaked();
    let answer = raw(world.address(), request("", "mcp-name: alpha_hidden\r\n").as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "what a header says stands: {answer}");
    assert_eq!(world.server.sees("tools/call").await.header("mcp-name"), "echo");
    Ok(())
}

#[tokio::test]
async fn a_name_that_no_header_can_carry_is_encoded_one_way_only() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let wrong = [
        "=?base64?YWxwaGFfZWNobwo=?=",
        "=?BASE64?YWxwaGFfZWNobw==?=",
        "=?base64?YWxwaGFfZWNobw?=",
        "=?base64?!!!!?=",
        "=?base64?/w==?=",
        "=?base64?PT9iYXNlNjQ/WVd4d2FHRmZaV05vYnc9PT89?=",
    ];
    for value in wrong {
        world.refused(value, &call().with("mcp-name", value), 400, Some(-32020)).await;
    }
    world.nothing_leaked();
    let reply = world.gateway.send(&call().with("mcp-name", "=?base64?YWxwaGFfZWNobw==?=")).await?;
    assert_eq!((reply.status, reply.tool_text().as_str()), (StatusCode::OK, "done"));
    Ok(())
}

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
async fn a_hidden_tool_is_refused_like_one_that_does_not_exist() -> anyhow::Result<()> {
    let rule = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "nobody", "action": "Deny", "tools": ["beta_forbidden"]},
    ]}});
    let beta = Recorder::start(Speaks::Both, &[tool("forbidden"), tool("open")]).await?;
    let world = World::with(&[
        server("beta", &beta.url()),
        merged(
            route("eng", "/mcp", &["alpha", "beta"]),
            &json!({"spec": {"servers": [
                {"name": "alpha", "serverRef": {"name": "alpha"}, "tools": {"exclude": ["hidden"]}},
                {"name": "beta", "serverRef": {"name": "beta"}},
            ]}}),
        ),
        policy("gate", "McpRoute/eng", &rule),
    ])
    .await?;
    world.modern().lists(&["alpha_echo", "beta_open"]).await;
    let legacy = world.legacy().await?;
    world.server.forget();
    beta.forget();
    for agent in [world.modern(), legacy] {
        let mut told = Vec::new();
        for name in ["alpha_hidden", "beta_forbidden", "alpha_nothing", "hidden", "echo", "ALPHA_ECHO"] {
            let reply = world.refused(name, &agent.calling(name, "{}"), 200, Some(-32602)).await;
            told.push(reply.text().replace(name, "NAME"));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "nothing tells them apart: {told:?}");
    }
    world.nothing_leaked();
    assert!(beta.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_larger_than_the_bound_is_413_and_says_the_bound() -> anyhow::Result<()> {
    let small = policy("small", "McpRoute/eng", &json!({"limits": {"requestBytes": "1Ki"}}));
    let world = World::with(&[small, route("wide", "/wide", &["alpha"])]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    world.server.forget();
    let padded = |size: usize| call().edit("canary", &"x".repeat(size));
    let reply = world.refused("over the policy's", &padded(2_000), 413, None).await;
    assert!(reply.text().contains("1024"), "{}", reply.text());
    let reply = world.refused("over the gateway's own", &padded((4 << 20) + 1).to("/wide"), 413, None).await;
    assert!(reply.text().contains("4194304"), "{}", reply.text());
    world.nothing_leaked();
    assert_eq!(world.gateway.send(&padded(100)).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() -> anyhow::Result<()> {
    let world = World::settled().await?;
    world.refused("one large field", &call().with("x-large", "x".repeat(64 << 10)), 431, None).await;
    let many = (0..100).fold(call(), |request, index| request.with(&format!("x-{index}"), "x"));
    world.refused("many fields", &many, 431, None).await;
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_of_this_host_are_403() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let port = world.address().port();
    let evil = [
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://127.0.0.1/x",
        "",
    ];
    for origin in evil {
        world.refused(origin, &call().with("origin", origin), 403, None).await;
    }
    let two = call().with("origin", "http://localhost").and("origin", "https://evil.example");
    world.refused("two origins", &two, 403, None).await;
    for host in ["evil.example", "localhost.evil.example", "169.254.169.254"] {
        world.refused(host, &call().with("host", host), 403, None).await;
    }
    world.nothing_leaked();
    for (name, value) in [("origin", format!("http://localhost:{port}")), ("host", format!("localhost:{port}"))] {
        assert_eq!(world.gateway.send(&call().with(name, &value)).await?.status, StatusCode::OK, "{value}");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_no_good_token_is_told_where_to_get_one() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let authentication =
        json!({"authentication": {"jwt": issuer.jwt(), "resourceMetadata": {"scopesSupported": ["mcp:use"]}}});
    let world = World::with(&[policy("auth", "McpRoute/eng", &authentication)]).await?;
    world.modern().with_token(&issuer.token("ann")?).lists(&["alpha_echo"]).await;
    world.server.forget();
    let none = world.refused("no token", &call(), 401, None).await;
    let bad = world.refused("a bad token", &call().token(Some("nonsense")), 401, None).await;
    let challenge = none.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.starts_with("Bearer ") && !challenge.contains("error="), "{challenge}");
    let told = bad.header("www-authenticate").unwrap_or_default();
    assert!(told.contains(r#"error="invalid_token""#) && told.contains(r#"scope="mcp:use""#), "{told}");
    let url =
        challenge.split(r#"resource_metadata=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let path = url.strip_prefix(&world.gateway.url("")).unwrap_or_else(|| panic!("{url} is of this gateway"));
    assert_eq!(path, "/.well-known/oauth-protected-resource/mcp");
    let document = world.gateway.send(&Request::get(path)).await?;
    assert_eq!(document.status, StatusCode::OK, "the document needs no token");
    assert_eq!(document.json()["resource"], world.gateway.url("/mcp"));
    assert_eq!(document.json()["authorization_servers"], json!(["https://issuer.example"]));
    assert_eq!(document.json()["scopes_supported"], json!(["mcp:use"]));
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/other"] {
        world.refused(path, &Request::get(path), 404, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_denied_call_names_the_policy_and_the_rule_and_nothing_else() -> anyhow::Result<()> {
    let rule = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "no-prod", "action": "Deny", "when": "arguments.branch == \"secret-branch\""},
    ]}});
    let world = World::with(&[policy("gate", "McpRoute/eng", &rule)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let legacy = world.legacy().await?;
    for (agent, status) in [(world.modern(), 403), (legacy, 200)] {
        let request = agent.calling("alpha_echo", r#"{"branch":"secret-branch"}"#);
        let reply = world.refused("denied", &request, status, Some(-31403)).await;
        assert!(reply.text().contains("gate") && reply.text().contains("no-prod"), "{}", reply.text());
        assert!(!reply.text().contains("branch"), "the expression stays inside: {}", reply.text());
        assert_eq!(reply.json()["id"], 1);
        // A Deny that cannot be evaluated denies.
        world.refused("no branch", &agent.calling("alpha_echo", "{}"), status, Some(-31403)).await;
    }
    world.nothing_leaked();
    let line = world.gateway.audited("the denial is audited", |line| line["verdict"] == "deny").await;
    assert_eq!((&line["rule"], &line["code"]), (&json!("no-prod"), &json!(-31403)));
    Ok(())
}

#[tokio::test]
async fn who_may_use_nothing_of_an_endpoint_is_403_at_the_door() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let spec = json!({
        "authentication": {"jwt": issuer.jwt()},
        "authorization": {"rules": [{"name": "ann", "action": "Allow", "when": "identity.subject == \"ann\""}]},
    });
    let world = World::with(&[policy("ann-only", "McpRoute/eng", &spec)]).await?;
    world.modern().with_token(&issuer.token("ann")?).lists(&["alpha_echo"]).await;
    world.server.forget();
    let bob = issuer.token("bob")?;
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = world.gateway.send(&request.token(Some(&bob))).await?;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text());
        assert!(reply.text().contains("ann-only"), "the policy is named: {}", reply.text());
        assert!(!reply.text().contains("subject"), "its expression is not: {}", reply.text());
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn over_the_rate_is_429_and_says_when_to_come_back() -> anyhow::Result<()> {
    let limits = json!({"rateLimits": [{"name": "two-an-hour", "requests": 2, "window": "1h"}]});
    let world = World::with(&[policy("slow-down", "McpRoute/eng", &limits)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let legacy = world.legacy().await?;
    for _ in 0..2 {
        assert_eq!(world.gateway.send(&call()).await?.status, StatusCode::OK);
    }
    world.server.forget();
    for request in [call(), legacy.calling("alpha_echo", "{}")] {
        let reply = world.refused("limited", &request, 429, Some(-31429)).await;
        let seconds: u64 = reply.header("retry-after").unwrap_or_default().parse()?;
        assert!((1..=1800).contains(&seconds), "half an hour at most: {seconds}");
        assert!(reply.text().contains("two-an-hour"), "{}", reply.text());
    }
    world.nothing_leaked();
    world.modern().names().await?;
    Ok(())
}

/// What the servers of these tests say that no agent may read.
const WORDS: &str = "words-of-the-server";

#[tokio::test]
async fn an_answer_that_is_none_becomes_a_tool_error_with_the_servers_name_alone() -> anyhow::Result<()> {
    let limits = json!({"limits": {"responseBytes": "64Ki"}});
    let world = World::with(&[policy("small", "McpRoute/eng", &limits)]).await?;
    world.modern().lists(&["alpha_echo"]).await;
    let http = |status, kind, text: &str| Answer::Http(status, vec![("content-type", kind)], text.to_owned());
    let wrong_id = RESULT.replace("$ID", "987654321").replace("done", WORDS);
    let answers = [
        ("500", http(500, "text/plain", WORDS)),
        ("401", http(401, "application/json", &format!(r#"{{"error":"{WORDS}"}}"#))),
        ("403 with a challenge", Answer::Http(403, vec![("www-authenticate", "Bearer")], WORDS.to_owned())),
        ("a redirect", Answer::Http(302, vec![("location", "http://169.254.169.254/")], String::new())),
        ("202 and nothing", http(202, "application/json", "")),
        ("204", http(204, "application/json", "")),
        ("a page", http(200, "text/html", &format!("<p>{WORDS}</p>"))),
        ("a result as text", http(200, "text/plain", RESULT)),
        ("compressed", Answer::Http(200, vec![("content-encoding", "gzip")], WORDS.to_owned())),
        ("no JSON", http(200, "application/json", WORDS)),
        ("half a message", http(200, "application/json", r#"{"jsonrpc":"2.0","id":"#)),
        ("an array", http(200, "application/json", &format!("[{RESULT}]"))),
        ("another's id", Answer::Json(wrong_id.clone())),
        ("the id as a string", Answer::Json(RESULT.replace("$ID", r#""$ID""#))),
        ("two results", Answer::Json(RESULT.replace(r#""result":"#, r#""result":{},"result":"#))),
        ("neither result nor error", Answer::Json(r#"{"jsonrpc":"2.0","id":$ID}"#.to_owned())),
        (
            "an error about our form",
            Answer::Json(format!(r#"{{"jsonrpc":"2.0","id":$ID,"error":{{"code":-32600,"message":"{WORDS}"}}}}"#)),
        ),
        ("too large", Answer::Huge(100_000)),
        ("cut", Answer::Cut),
        ("a stream without an answer", Answer::Events(vec![wrong_id])),
        ("an empty stream", Answer::Raw(String::new())),
        ("a stream of anything", Answer::Raw(format!("data: {WORDS}\n\n"))),
        ("an event without an end", Answer::Raw(format!("data: {RESULT}"))),
        ("an event of two messages", Answer::Raw(format!("data: {RESULT}{RESULT}\n\n"))),
        ("an event that is too large", Answer::Raw(format!("data: {}", "x".repeat(100_000)))),
        ("a stream that is too large", Answer::Raw(": comment\n".repeat(10_000))),
        ("input is required", Answer::Json(RESULT.replace("complete", "input_required"))),
    ];
    let port = world.server.address.port().to_string();
    let agents = [world.modern(), world.legacy().await?];
    for (what, answer) in answers {
        world.server.answer("echo", answer);
        for agent in &agents {
            let reply = agent.call("alpha_echo", "{}").await?;
            assert!(reply.is_tool_error(), "{what}: {} {}", reply.status, reply.text());
            let text = reply.text();
            assert!(text.contains("alpha"), "{what} names the server: {text}");
            assert!(!text.contains(&port) && !text.contains(WORDS) && !text.contains("169.254"), "{what}: {text}");
            assert!(reply.header("www-authenticate").is_none() && reply.header("location").is_none(), "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_gone_fails_its_calls_at_once_and_no_others() -> anyhow::Result<()> {
    let beta = Recorder::start(Speaks::Both, &[tool("echo")]).await?;
    let world = World::with(&[server("beta", &beta.url()), route("eng", "/mcp", &["alpha", "beta"])]).await?;
    world.modern().lists(&["alpha_echo", "alpha_hidden", "beta_echo"]).await;
    beta.stop();
    let agents = [world.modern(), world.legacy().await?];
    for agent in &agents {
        let reply = agent.call("beta_echo", "{}").await?;
        assert!(reply.is_tool_error() && reply.text().contains("beta"), "{} {}", reply.status, reply.text());
        assert!(!reply.text().contains("127.0.0.1"), "{}", reply.text());
        assert_eq!(agent.call("alpha_echo", "{}").await?.tool_text(), "done");
    }
    Ok(())
}

#[tokio::test]
async fn a_route_whose_policy_is_invalid_is_503_and_not_open() -> anyhow::Result<()> {
    let broken =
        json!({"authorization": {"rules": [{"name": "x", "action": "Allow", "when": "identity.nonsense == 1"}]}});
    let world = World::with(&[policy("broken", "McpRoute/eng", &broken), route("other", "/other", &["alpha"])]).await?;
    Agent::modern(&world.gateway, "/other").lists(&["alpha_echo", "alpha_hidden"]).await;
    world.server.forget();
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = world.refused("held", &request, 503, Some(-31503)).await;
        assert!(reply.header("retry-after").is_some());
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_call_more_than_a_server_may_have_is_503_and_says_when_to_come_back() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let one = merged(server("alpha", &world.server.url()), &json!({"spec": {"health": {"maxConcurrent": 1}}}));
    let before = world.gateway.admin("/config").await?.text();
    world.gateway.apply(&one)?;
    eventually("the bound is in force", async || {
        (world.gateway.admin("/config").await.ok()?.text() != before).then_some(())
    })
    .await;
    let legacy = world.legacy().await?;
    world.server.answer("echo", Answer::Hang);
    let address = world.address();
    let running = tokio::spawn(async move { call().send(address).await });
    world.server.sees("tools/call").await;
    world.server.forget();
    for request in [call(), legacy.calling("alpha_echo", "{}")] {
        let reply = world.refused("one more", &request, 503, Some(-31503)).await;
        assert!(reply.header("retry-after").is_some() && reply.text().contains("alpha"), "{}", reply.text());
    }
    world.nothing_leaked();
    running.abort();
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_has_no_configuration_yet_is_503() -> anyhow::Result<()> {
    let limits = Limits::default();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        name: "early".to_owned(),
        fleet: "default".to_owned(),
        listen: loopback,
        listen_tls_dir: None,
        admin: loopback,
        workers: 1,
        scheduling: Default::default(),
        data_dir: None,
        fleet_key: None,
        allow_origins: Vec::new(),
        allow_upstreams: Vec::new(),
        ready_file: None,
        audit_log: None,
        standalone: true,
        drain: Times::ALONE,
        limits,
    };
    let gateway = Gateway::start(settings, ConfigSource::operators(&[], None)?).await?;
    for request in [call(), Request::modern("/mcp", "tools/list", "{}"), Request::initialize("/mcp", LEGACY)] {
        let reply = request.send(gateway.listen).await?;
        assert_eq!((reply.status.as_u16(), reply.code()), (503, Some(-31503)), "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
    }
    gateway.run(std::future::ready(()), std::future::ready(())).await
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

#[tokio::test]
async fn connection_may_name_no_field_that_anybody_decides_by() -> anyhow::Result<()> {
    let world = World::settled().await?;
    for named in ["authorization", "host", "content-length", "x-tenant", "close, Mcp-Name", "keep-alive, origin"] {
        world.refused(named, &call().with("connection", named), 400, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

/// What comes over the wire where two readers of HTTP could disagree.
#[tokio::test]
async fn a_request_with_doubtful_framing_is_refused_and_its_connection_closed() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let good = call();
    let body = String::from_utf8_lossy(&good.body).into_owned();
    let length = body.len();
    let fields: String =
        good.headers.iter().map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value))).collect();
    let host = format!("host: {}\r\n", world.address());
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let cases = [
        (
            "two lengths",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\ncontent-length: 0\r\n\r\n{body}"),
        ),
        (
            "a list of lengths",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}, {length}\r\n\r\n{body}"),
        ),
        ("a signed length", format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: +{length}\r\n\r\n{body}")),
        (
            "an unknown coding",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: xchunked\r\n\r\n{chunked}"),
        ),
        (
            "a coding behind chunks",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
        ),
        (
            "chunks in HTTP/1.0",
            format!("POST /mcp HTTP/1.0\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "a folded field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: 1\r\n 2\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a space before the colon",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length : {length}\r\n\r\n{body}"),
        ),
        (
            "a length before chunks",
            format!(
                "POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
        (
            "a length behind chunks",
            format!(
                "POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}"
            ),
        ),
        (
            "a size of a chunk that is none",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n0x{chunked}"),
        ),
        (
            "a size of a chunk beyond every integer",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\nf{:0>20}{chunked}", 0),
        ),
        (
            "a chunk that is longer than its size",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n1\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "a carriage return in a field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: a\rb\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        ("no version", format!("POST /mcp\r\n{host}{fields}content-length: {length}\r\n\r\n{body}")),
        ("no host", format!("POST /mcp HTTP/1.1\r\n{fields}content-length: {length}\r\n\r\n{body}")),
        ("two hosts", format!("POST /mcp HTTP/1.1\r\n{host}{host}{fields}content-length: {length}\r\n\r\n{body}")),
        (
            "a host with a user",
            format!("POST /mcp HTTP/1.1\r\nhost: evil@127.0.0.1\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a target at odds with the host",
            format!("POST http://evil.example/mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a NUL in a field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: a\0b\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
    ];
    for (what, bytes) in cases {
        // A second request behind the first, as a smuggler has it.
        let bytes = format!("{bytes}GET /smuggled HTTP/1.1\r\n{host}\r\n");
        let answer = raw(world.address(), bytes.as_bytes()).await?;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{what}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.").count().max(1), 1, "{what} has one answer at most: {answer}");
    }
    world.nothing_leaked();
    Ok(())
}
