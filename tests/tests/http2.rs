//! What may come over HTTP/2 that must not be read as anything else at the next hop, which may speak HTTP/1.1.

use futures::future::try_join_all;
use portolan_tests::agent::Agent;
use portolan_tests::http2::Raw;
use portolan_tests::manifests::{route, server};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::request::{MODERN, Request};
use portolan_tests::standalone::Standalone;

struct World {
    gateway: Standalone,
    server: Recorder,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    async fn start_with(flags: &[&str]) -> anyhow::Result<Self> {
        let recorder = Recorder::start(Speaks::Both, &[tool("echo")]).await?;
        let objects = [server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])];
        let gateway = Standalone::with(&objects, flags).await?;
        Agent::modern(&gateway, "/mcp").lists(&["alpha_echo"]).await;
        recorder.forget();
        Ok(Self { gateway, server: recorder })
    }

    fn good(&self) -> Raw {
        let call = Request::modern("/mcp", "tools/call", r#"{"name":"alpha_echo","arguments":{}}"#);
        Raw::of(&call, &self.gateway.addresses.listen.to_string())
    }

    async fn refuses(&self, what: &str, request: &Raw) -> anyhow::Result<()> {
        assert!(!request.is_taken(self.gateway.addresses.listen).await?, "{what} is taken");
        assert!(self.server.seen().is_empty(), "{what}: a server was sent {:?}", self.server.seen());
        Ok(())
    }

    /// The gateway is none the worse for what came before.
    async fn serves(&self) -> anyhow::Result<()> {
        assert!(self.good().is_taken(self.gateway.addresses.listen).await?);
        assert_eq!(self.server.saw("tools/call").len(), 1);
        Ok(())
    }
}

#[tokio::test]
async fn what_http1_would_read_otherwise_is_refused() -> anyhow::Result<()> {
    let world = World::start().await?;
    let length = world.good().body.len();
    let cases = [
        ("a line end in a value", world.good().and("x-a", "b\r\nmcp-name: alpha_hidden")),
        ("a line feed in a value", world.good().and("x-a", "b\nc: d")),
        ("a NUL in a value", world.good().and("x-a", "b\0")),
        ("a line end in a name", world.good().and("x-a: b\r\nc", "d")),
        ("a colon in a name", world.good().and("x:a", "b")),
        ("a space in a name", world.good().and("x a", "b")),
        ("no name", world.good().and("", "b")),
        ("a capital in a name", world.good().and("X-a", "b")),
        ("a connection field", world.good().and("connection", "mcp-name")),
        ("a coding", world.good().and("transfer-encoding", "chunked")),
        ("an upgrade", world.good().and("upgrade", "h2c")),
        ("te that is not trailers", world.good().and("te", "gzip")),
        ("a length that is too short", world.good().and("content-length", (length - 1).to_string())),
        ("a length that is too long", world.good().and("content-length", (length + 1).to_string())),
        ("two lengths", world.good().and("content-length", length.to_string()).and("content-length", "0")),
        ("a space in the path", world.good().without(":path").and(":path", "/mcp HTTP/1.1")),
        ("no path", world.good().without(":path")),
        ("no method", world.good().without(":method")),
        ("two paths", world.good().and(":path", "/mcp")),
        ("two methods", world.good().and(":method", "GET")),
        ("an unknown pseudo-field", world.good().and(":tenant", "x")),
        ("a pseudo-field behind a field", world.good().without(":scheme").and(":scheme", "http")),
        ("another host", world.good().and("host", "evil.example")),
        ("two hosts", world.good().and("host", "a").and("host", "a")),
        ("an authority with a user", world.good().without(":authority").and(":authority", "evil@127.0.0.1")),
        ("no authority", world.good().without(":authority")),
    ];
    for (what, request) in cases {
        world.refuses(what, &request).await?;
    }
    world.serves().await
}

#[tokio::test]
async fn every_mirrored_header_must_agree_with_the_body() -> anyhow::Result<()> {
    let world = World::start().await?;
    let headers = [
        ("mcp-protocol-version", MODERN, "2025-11-25"),
        ("mcp-method", "tools/call", "tools/list"),
        ("mcp-name", "alpha_echo", "alpha_hidden"),
    ];
    for (name, right, wrong) in headers {
        let left_out = || world.good().without(name);
        let cases = [
            ("absent", left_out()),
            ("empty", left_out().and(name, "")),
            ("wrong", left_out().and(name, wrong)),
            ("twice", world.good().and(name, right)),
            ("twice, the second wrong", world.good().and(name, wrong)),
            ("a list", left_out().and(name, format!("{right}, {right}"))),
            ("not text", left_out().and(name, b"\xc3\xa9")),
            ("long", left_out().and(name, right.repeat(800))),
            ("with an underscore beside", world.good().and(name.replace('-', "_"), right)),
            ("in a trailer", left_out().trailing(name, right)),
        ];
        for (what, request) in cases {
            world.refuses(&format!("{name} {what}"), &request).await?;
        }
    }
    world.serves().await
}

#[tokio::test]
async fn threads_that_share_the_work_serve_what_others_do() -> anyhow::Result<()> {
    let world = World::start_with(&["--scheduling", "work-stealing"]).await?;
    let (request, listen) = (world.good(), world.gateway.addresses.listen);
    let taken = try_join_all((0..32).map(|_| request.is_taken(listen))).await?;
    assert!(taken.into_iter().all(|taken| taken));
    assert_eq!(world.server.saw("tools/call").len(), 32);
    Ok(())
}
