//! Every refusal: its status, its code, its words, and that nothing of the request reached a server.

mod envelope;
mod headers;
mod permission;
mod revisions;
mod unavailable;

use std::net::SocketAddr;

use http::{Method, StatusCode};
use portolan_tests::agent::Agent;
use portolan_tests::manifests::{merged, policy, route, server};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::request::{Reply, Request};
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
